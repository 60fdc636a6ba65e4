using Sluice.Redis.Tests;

namespace Sluice.Hosting.Tests.Telemetry;

/// <summary>Metrics and traces of a flow as a collector gets them: three services over Redis, one of them with a child process.</summary>
[StartsProcesses]
public sealed class FlowExportTests : IAsyncLifetime
{
    private const int Values = 300;

    private OtlpReceiver collector = null!;
    private RedisServer redis = null!;

    public async ValueTask InitializeAsync()
    {
        collector = await OtlpReceiver.StartAsync();
        redis = await RedisServer.StartAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await redis.DisposeAsync();
        await collector.DisposeAsync();
    }

    [Fact]
    public async Task ARunOverThreeServicesAndAChildProcessIsOneTraceInWhichEachValueIsBelowItsOrigin()
    {
        using ServiceProcess doubles = Start("double"), show = Start("show");
        Assert.Equal("started", await doubles.LineAsync());
        Assert.Equal("started", await show.LineAsync());
        using ServiceProcess starter = Start("start");
        Assert.Equal("started", await starter.LineAsync());
        Assert.Equal("completed", await starter.LineAsync());
        Assert.Equal($"sum {Values * (Values + 1)}", await show.LineAsync());
        const string Expected = """
            1 start flow
            1 start flow / processor double
            1 start flow / processor double / function double
            1 start flow / processor show
            300 start flow / process double
            300 start flow / process double / process show
            """;
        await collector.UntilAsync("the spans of all values and processors", static now => now.Spans.Count >= (2 * Values) + 4,
            () => Tree(collector.Spans));
        await collector.UntilAsync("metrics of the child process", static now
            => now.Metrics.TryGetValue("messaging.process.duration", out ReceivedMetric? found)
                && found.Points.Any(static point => point["sluice.processor.name"] == "double"));
        foreach (ServiceProcess one in new[] { starter, doubles, show }) await one.KillAsync();

        ReceivedSpan start = collector.Spans.Single(static span => span.Name == "start flow");
        Assert.All(collector.Spans, span => Assert.Equal(start.Trace, span.Trace));
        Assert.Equal(Expected, Tree(collector.Spans), ignoreLineEndingDifferences: true);
        Assert.Equal(Values, collector.Spans.Where(static span => span.Name == "process show").Select(static span => span.Parent)
            .Distinct().Count());
    }

    // The number of spans at each place below their parents.
    private static string Tree(IReadOnlyList<ReceivedSpan> spans)
    {
        Dictionary<string, ReceivedSpan> byId = spans.ToDictionary(static span => span.Id);
        return string.Join('\n', spans.CountBy(PathOf).Select(static one => $"{one.Value} {one.Key}").Order(StringComparer.Ordinal));

        string PathOf(ReceivedSpan span)
            => byId.TryGetValue(span.Parent, out ReceivedSpan? parent) ? $"{PathOf(parent)} / {span.Name}" : span.Name;
    }

    private ServiceProcess Start(string role) => new(collector.Address, ["flow", role, redis.Address]);
}
