using System.Diagnostics;
using System.Diagnostics.Metrics;
using Sluice.Testing;
using Sluice.Tests.Delivery.Traces;

namespace Sluice.Tests.Engine;

/// <remarks>Other tests run at the same time. So the nodes here have unique names, and the spans have a parent of their own.</remarks>
[Collection(SpanTests.Name)]
public sealed class TelemetryTests : IDisposable
{
    private readonly Dictionary<string, long> figures = [];
    private readonly MeterListener listener = new();

    public TelemetryTests()
    {
        listener.InstrumentPublished = (instrument, self) =>
        {
            if (instrument.Meter.Name == "Sluice" && instrument.IsObservable) self.EnableMeasurementEvents(instrument);
        };
        listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) =>
        {
            foreach (var (key, node) in tags)
                if (key == "sluice.node.name") figures[$"{instrument.Name} {node}"] = value;
        });
        listener.Start();
    }

    public void Dispose() => listener.Dispose();

    [Fact]
    public async Task NodeCountersAddUpOverEndedAndLiveRuns()
    {
        var (source, sink) = (new SourceProbe<int>(), new SinkProbe<int>());
        Pipeline ended = Source.From(Enumerable.Range(0, 10)) | (n => n) | Stage.Named("measured-map") | (_ => { });
        await ended.RunAsync();
        Assert.Equal(10, Figure("sluice.node.items.in measured-map"));

        var scheduler = new SeededScheduler(1);
        Pipeline live = source.Source | (n => n) | Stage.Named("measured-map").Buffer(2) | (n => n) | Stage.Named("measured-last")
            | sink.Sink;
        sink.Block();
        PipelineRun run = live.Start(new RunOptions { Scheduler = scheduler });
        source.Push([.. Enumerable.Range(0, 10)]);
        scheduler.RunUntilIdle();
        Assert.Equal(14, Figure("sluice.node.items.in measured-map"));
        Assert.Equal(2, Figure("sluice.node.queue.depth measured-last"));
        sink.Release();
        source.Complete();
        await scheduler.RunToEndAsync(run);
        Assert.Equal(20, Figure("sluice.node.items.in measured-map"));
        Assert.Equal(20, Figure("sluice.node.items.out measured-map"));
    }

    [Fact]
    public async Task TheTimeThatANodeWaitsForRoomIsCounted()
    {
        var clock = new TestClock();
        var scheduler = new SeededScheduler(1);
        var (source, sink) = (new SourceProbe<int>(), new SinkProbe<int>());
        sink.Block();
        PipelineRun run = (source.Source | (n => n) | Stage.Named("fast").Buffer(2) | (n => n) | Stage.Named("slow") | sink.Sink)
            .Start(new RunOptions { Scheduler = scheduler, Time = clock });
        source.Push([.. Enumerable.Range(0, 10)]);
        scheduler.RunUntilIdle();
        clock.Advance(TimeSpan.FromSeconds(3));
        Assert.Equal((TimeSpan.FromSeconds(3), TimeSpan.Zero), (run.Snapshot()["fast"].BlockedTime, run.Snapshot()["slow"].BlockedTime));
        sink.Release();
        source.Complete();
        await scheduler.RunToEndAsync(run);
        clock.Advance(TimeSpan.FromSeconds(5));
        Assert.Equal(TimeSpan.FromSeconds(3), run.Snapshot()["fast"].BlockedTime);
    }

    [Fact]
    public async Task ARunIsAChildSpanAndLeavesTheCurrentActivityAlone()
    {
        List<Activity> stopped = [];
        using var spans = new ActivityListener
        {
            ShouldListenTo = each => each.Name == "Sluice",
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllData,
            ActivityStopped = span =>
            {
                lock (stopped) stopped.Add(span);
            },
        };
        ActivitySource.AddActivityListener(spans);
        using var caller = new Activity("caller").Start();
        var scheduler = new SeededScheduler(1);
        Pipeline fails = Source.From([1, 2]) | (n => n == 2 ? throw new FormatException("two") : n) | (_ => { });
        var source = new SourceProbe<int>();
        PipelineRun waits = (source.Source | (_ => { })).Start(new RunOptions { Scheduler = scheduler });
        Assert.Same(caller, Activity.Current);
        await Assert.ThrowsAsync<PipelineException>(() => fails.RunAsync(new RunOptions { Mode = ExecutionMode.SingleThread }));
        Assert.Same(caller, Activity.Current);
        source.Complete();
        await scheduler.RunToEndAsync(waits);
        Assert.Same(caller, Activity.Current);
        lock (stopped)
        {
            Activity[] ours = [.. stopped.Where(span => span.TraceId == caller.TraceId)];
            Assert.Equal(2, ours.Length);
            Assert.All(ours, span => Assert.Equal(("sluice.run", caller.SpanId), (span.OperationName, span.ParentSpanId)));
            Assert.Equal((ActivityStatusCode.Error, "failed"), (ours[0].Status, ours[0].GetTagItem("sluice.outcome")));
            Assert.Equal((ActivityStatusCode.Unset, "completed"), (ours[1].Status, ours[1].GetTagItem("sluice.outcome")));
        }
    }

    private long Figure(string name)
    {
        figures.Clear();
        listener.RecordObservableInstruments();
        return figures.GetValueOrDefault(name);
    }
}
