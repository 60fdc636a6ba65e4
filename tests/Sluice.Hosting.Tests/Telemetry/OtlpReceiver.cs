using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Sluice.Hosting.Tests.Telemetry;

/// <summary>A span, as a collector gets it.</summary>
internal sealed record ReceivedSpan(string Trace, string Id, string Parent, string Name, int Kind, Dictionary<string, string> Attributes,
    IReadOnlyList<string> Links, string State, bool IsError);

/// <summary>An instrument, as a collector gets it, with the attributes of each of its points.</summary>
internal sealed record ReceivedMetric(string Name, string Unit, string Kind, IReadOnlyList<Dictionary<string, string>> Points);

/// <summary>A collector of OpenTelemetry on the loopback: it takes OTLP over HTTP (protobuf), and decodes it.</summary>
/// <remarks>The numbers of fields are those of opentelemetry-proto, which never change.</remarks>
internal sealed class OtlpReceiver : IAsyncDisposable
{
    private readonly WebApplication app;
    private readonly Lock sync = new();
    private readonly List<ReceivedSpan> spans = [];
    private readonly Dictionary<string, ReceivedMetric> metrics = [];
    private readonly Task limit = Task.Delay(ServiceProcess.Patience, TestContext.Current.CancellationToken);
    private TaskCompletionSource received = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private OtlpReceiver(WebApplication app) => this.app = app;

    public string Address => app.Urls.Single();

    /// <summary>The spans of Sluice and of ASP.NET Core that have come.</summary>
    public IReadOnlyList<ReceivedSpan> Spans
    {
        get { lock (sync) return [.. spans]; }
    }

    /// <summary>The instruments that have come, each as it came last.</summary>
    public IReadOnlyDictionary<string, ReceivedMetric> Metrics
    {
        get { lock (sync) return new Dictionary<string, ReceivedMetric>(metrics); }
    }

    public static async Task<OtlpReceiver> StartAsync()
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        WebApplication app = builder.Build();
        app.Urls.Add("http://127.0.0.1:0");
        var receiver = new OtlpReceiver(app);
        app.MapPost("/v1/traces", (HttpRequest request) => receiver.TakeAsync(request, receiver.TakeTraces));
        app.MapPost("/v1/metrics", (HttpRequest request) => receiver.TakeAsync(request, receiver.TakeMetrics));
        await app.StartAsync(TestContext.Current.CancellationToken);
        return receiver;
    }

    /// <summary>
    /// Waits until what has come meets a condition. Before the test would be ended as one that hangs, it says what has come.
    /// </summary>
    public async Task UntilAsync(string what, Func<OtlpReceiver, bool> isSo, Func<string>? shown = null)
    {
        while (true)
        {
            Task next;
            lock (sync) next = received.Task;
            if (isSo(this)) return;
            if (await Task.WhenAny(next, limit) == next) continue;
            string found = shown?.Invoke() ?? string.Join(", ", Spans.Select(static span => span.Name));
            Assert.Fail($"The test waited for {what}. The spans: {found}. The metrics: {string.Join(", ", Metrics.Keys)}");
        }
    }

    public ValueTask DisposeAsync() => app.DisposeAsync();

    private async Task<IResult> TakeAsync(HttpRequest request, Action<ProtobufMessage> take)
    {
        using var body = new MemoryStream();
        await request.Body.CopyToAsync(body, request.HttpContext.RequestAborted);
        Assert.Equal("application/x-protobuf", request.ContentType);
        TaskCompletionSource now;
        lock (sync)
        {
            take(ProtobufMessage.Parse(body.ToArray()));
            (now, received) = (received, new(TaskCreationOptions.RunContinuationsAsynchronously));
        }
        now.SetResult();
        return Results.Bytes([], "application/x-protobuf");
    }

    private void TakeTraces(ProtobufMessage export)
    {
        foreach (ProtobufMessage span in Inside(export))
            spans.Add(new(span.Hex(1), span.Hex(2), span.Hex(4), span.Text(5), (int)span.Number(6), span.Attributes(9),
                [.. span.All(13).Select(static link => link.Hex(2))], span.Text(3),
                span.All(15).Any(static status => status.Number(3) == 2)));
    }

    // Resources have scopes, which have spans or metrics.
    private static IEnumerable<ProtobufMessage> Inside(ProtobufMessage export)
        => export.All(1).SelectMany(static resource => resource.All(2)).SelectMany(static scope => scope.All(2));

    private void TakeMetrics(ProtobufMessage export)
    {
        foreach (ProtobufMessage metric in Inside(export))
        {
            (int field, string kind, int attributes) = metric.Has(5) ? (5, "gauge", 7) : metric.Has(9) ? (9, "histogram", 9)
                : (7, "sum", 7);
            ProtobufMessage data = metric.One(field);
            if (field == 7) kind = data.Number(3) == 1 ? "counter" : "up-down";
            metrics[metric.Text(1)] = new(metric.Text(1), metric.Text(3), kind,
                [.. data.All(1).Select(point => point.Attributes(attributes))]);
        }
    }
}
