using System.Net;
using System.Net.Http.Headers;
using System.Text;

namespace Sluice.Hosting.Tests.Telemetry;

/// <summary>
/// Metrics and traces as a collector gets them: a service (<c>tests/Sluice.WebProgram</c>) exports them by OTLP, and is killed while it
/// works on an item.
/// </summary>
[StartsProcesses]
public sealed class ExportTests : IAsyncLifetime
{
    private const string Trace = "0af7651916cd43dd8448eb211c80319c", Client = "b7ad6b7169203331";
    private const string Request = "Microsoft.AspNetCore.Hosting.HttpRequestIn";

    private readonly string file = Path.Combine(Path.GetTempPath(), $"sluice-export-{Guid.NewGuid():N}.db");
    private OtlpReceiver collector = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => collector = await OtlpReceiver.StartAsync();

    public async ValueTask DisposeAsync()
    {
        await collector.DisposeAsync();
        foreach (string left in Directory.GetFiles(Path.GetTempPath(), Path.GetFileName(file) + "*")) File.Delete(left);
    }

    [Fact]
    public async Task ATraceGoesFromTheRequestThroughAKilledProcessIntoTheNextConsecutor()
    {
        using (ServiceProcess killed = Start("hang"))
        {
            using var client = new HttpClient { BaseAddress = new(await killed.LineAsync()) };
            Assert.Equal(HttpStatusCode.Accepted, await PostAsync(client, "17", $"00-{Trace}-{Client}-01", "vendor=1"));
            Assert.Equal("checking 17", await killed.LineAsync());
            await collector.UntilAsync("the spans of the request", static now => now.Spans.Any(static span => span.Name == "send orders")
                && now.Spans.Any(static span => span.Name == Request));
            await killed.KillAsync();
        }
        using ServiceProcess next = Start();
        // The item that was left goes on when the consecutor starts, before or after the server has said its address.
        string[] lines = [await next.LineAsync(), await next.LineAsync(), await next.LineAsync()];
        Assert.Equal(["checking 17", "shipped 17"], lines.Where(static line => !line.StartsWith("http", StringComparison.Ordinal)));
        await collector.UntilAsync("all ten spans", static now => now.Spans.Count(static span => span.Trace == Trace) >= 10);
        await next.KillAsync();

        ReceivedSpan[] ours = [.. collector.Spans.Where(static span => span.Trace == Trace)];
        Assert.Equal("""
            Microsoft.AspNetCore.Hosting.HttpRequestIn
              send orders
                process orders
                  commit orders
                  node check
                  node checked
                    create shipping
                      process shipping
                        commit shipping
                        node ship
            """, string.Join('\n', Lines(ours, Client, "")), ignoreLineEndingDifferences: true);
        Assert.All(ours, static span => Assert.Equal("vendor=1", span.State));
        Assert.All(ours, static span => Assert.False(span.IsError));
        ReceivedSpan process = ours.Single(static span => span.Name == "process orders");
        Assert.Equal(5, process.Kind);               // consumer
        Assert.Equal(4, ours.Single(static span => span.Name == "send orders").Kind);
        Assert.Equal("""
            messaging.consumer.group.name=orders
            messaging.destination.name=orders
            messaging.destination.partition.id
            messaging.message.id
            messaging.operation.name=process
            messaging.operation.type=process
            messaging.system=sluice
            sluice.attempt
            """, string.Join('\n', process.Attributes.OrderBy(static one => one.Key, StringComparer.Ordinal).Select(static one
                => one.Key is "messaging.message.id" or "messaging.destination.partition.id" or "sluice.attempt" ? one.Key
                : $"{one.Key}={one.Value}")), ignoreLineEndingDifferences: true);
    }

    [Fact]
    public async Task ItemsThatAreCommittedTogetherAreLinkedAndARequestThatIsNotSampledHasNoSpans()
    {
        const string Quiet = "1af7651916cd43dd8448eb211c80319c";
        using ServiceProcess service = Start();
        using var client = new HttpClient { BaseAddress = new(await service.LineAsync()) };
        Assert.Equal(HttpStatusCode.Accepted, await PostAsync(client, "1", $"00-{Quiet}-{Client}-00", null));
        const string Items = "{\"id\":2}\n{\"id\":3}\n{\"id\":4}\n";
        Assert.Equal(HttpStatusCode.Accepted, await PostAsync(client, null, $"00-{Trace}-{Client}-01", null, Items));
        await collector.UntilAsync("the commits of three items", static now => Committed(now).Count >= 3);
        await service.KillAsync();

        Assert.DoesNotContain(collector.Spans, static span => span.Trace == Quiet);
        Assert.Equal("3", collector.Spans.Single(static span => span.Name == "send orders").Attributes["messaging.batch.message_count"]);
        Assert.Equal(collector.Spans.Where(static span => span.Name == "process shipping").Select(static span => span.Id).ToHashSet(),
            Committed(collector));

        static HashSet<string> Committed(OtlpReceiver now) => [.. now.Spans.Where(static span => span.Name == "commit shipping")
            .SelectMany(static span => span.Links.Append(span.Parent))];
    }

    [Theory]
    [InlineData("00-0-1-01")]
    [InlineData("garbage")]
    [InlineData("ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")]
    public async Task ADamagedTraceOfARequestHarmsNothing(string parent)
    {
        using ServiceProcess service = Start();
        using var client = new HttpClient { BaseAddress = new(await service.LineAsync()) };
        Assert.Equal(HttpStatusCode.Accepted, await PostAsync(client, "1", parent, new string('x', 4000)));
        Assert.Equal("checking 1", await service.LineAsync());
        Assert.Equal("shipped 1", await service.LineAsync());
        await service.KillAsync();
    }

    [Fact]
    public async Task MetricsHaveNamesUnitsAndAttributes()
    {
        using ServiceProcess service = Start();
        using var client = new HttpClient { BaseAddress = new(await service.LineAsync()) };
        Assert.Equal(HttpStatusCode.Accepted, await PostAsync(client, "1", null, null));
        Assert.Equal("checking 1", await service.LineAsync());
        Assert.Equal("shipped 1", await service.LineAsync());
        await collector.UntilAsync("metrics of both consecutors", static now => now.Metrics.TryGetValue("messaging.process.duration",
            out ReceivedMetric? found) && found.Points.Count == 2
            && now.Metrics.TryGetValue("messaging.client.operation.duration", out found) && found.Points.Count == 5
            && now.Metrics.ContainsKey("sluice.consecutor.oldest.age"));
        await service.KillAsync();

        Assert.Equal("""
            messaging.client.consumed.messages counter {message}
            messaging.client.operation.duration histogram s
            messaging.client.sent.messages counter {message}
            messaging.process.duration histogram s
            sluice.commit.items histogram {item}
            sluice.commit.size histogram By
            sluice.consecutor.dead_letters up-down {item}
            sluice.consecutor.in_flight up-down {item}
            sluice.consecutor.oldest.age gauge s
            sluice.consecutor.parked up-down {item}
            sluice.consecutor.partitions up-down {partition}
            sluice.consecutor.pending up-down {item}
            sluice.consecutor.retrying up-down {item}
            sluice.consecutor.suspect up-down {item}
            sluice.node.blocked.time counter s
            sluice.node.items.failed counter {item}
            sluice.node.items.in counter {item}
            sluice.node.items.out counter {item}
            sluice.node.items.retried counter {item}
            sluice.node.items.skipped counter {item}
            sluice.node.queue.depth up-down {item}
            sluice.run.active up-down {run}
            sluice.state.memory up-down By
            sluice.state.rows.written counter {row}
            """, string.Join('\n', collector.Metrics.Values.Where(static one => one.Name != "sluice.run.ended")
                .Select(static one => $"{one.Name} {one.Kind} {one.Unit}")
                .Order(StringComparer.Ordinal)), ignoreLineEndingDifferences: true);
        Assert.Equal(["orders", "shipping"],
            collector.Metrics["sluice.consecutor.pending"].Points.Select(static point => point["messaging.destination.name"]).Order());
        Assert.Equal(["commit orders", "commit shipping", "lease orders", "lease shipping", "send orders"],
            collector.Metrics["messaging.client.operation.duration"].Points.Select(static point
                => $"{point["messaging.operation.name"]} {point["messaging.destination.name"]}").Order(StringComparer.Ordinal));
        Assert.Contains(collector.Metrics["sluice.node.items.in"].Points, static point
            => point["sluice.node.name"] == "check" && point["messaging.destination.name"] == "orders");
    }

    private ServiceProcess Start(params string[] how) => new(collector.Address, [file, .. how]);

    private static async Task<HttpStatusCode> PostAsync(HttpClient client, string? id, string? parent, string? state, string? items = null)
    {
        string type = items is null ? "application/json" : "application/x-ndjson";
        using var request = new HttpRequestMessage(HttpMethod.Post, "/orders")
        {
            Content = new StringContent(items ?? $$"""{"id":{{id}}}""", Encoding.UTF8, new MediaTypeHeaderValue(type)),
        };
        if (parent is not null) request.Headers.TryAddWithoutValidation("traceparent", parent);
        if (state is not null) request.Headers.TryAddWithoutValidation("tracestate", state);
        using HttpResponseMessage answer = await client.SendAsync(request, Cancellation);
        return answer.StatusCode;
    }

    private static IEnumerable<string> Lines(ReceivedSpan[] spans, string parent, string indent)
        => spans.Where(span => span.Parent == parent).OrderBy(static span => span.Name, StringComparer.Ordinal)
            .SelectMany(span => Lines(spans, span.Id, indent + "  ").Prepend(indent + span.Name));
}
