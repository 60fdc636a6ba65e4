using Sluice.Diagnostics;
using Sluice.Flows;
using Sluice.Storage;

namespace Sluice.Tests.Flows;

/// <summary>The report on a run says what each processor did when, who reads its streams, and gives their values.</summary>
public class TimelineTests
{
    private static readonly DateTimeOffset Begin = new(2026, 11, 24, 9, 0, 0, TimeSpan.Zero);

    [Fact]
    public void APeriodEndsWithAHandoverAFailedAttemptALostHostOrTheEnd()
    {
        RunTimeline timeline = Plan("work");
        timeline.Add(At(1), new(RunEventKind.Started, "one", "work", Start: 1));
        timeline.Add(At(2), new(RunEventKind.HandedOver, "one", "work"));
        timeline.Add(At(3), new(RunEventKind.Started, "two", "work", Start: 1));
        timeline.Add(At(4), new(RunEventKind.Retrying, "two", "work", "no paper") { Attempt = 1 });
        timeline.Add(At(5), new(RunEventKind.Started, "two", "work", Start: 1));
        timeline.Add(At(6), new(RunEventKind.Started, "three", "work", Start: 2));
        timeline.Add(At(7), new(RunEventKind.Failed, "three", "work", "broken"));
        timeline.Add(At(8), new(RunEventKind.Started, "late", "work", Start: 3));
        Assert.Equal(
        [
            new(ProcessorPeriodKind.Waiting, At(0), At(1), null, 0, null),
            new(ProcessorPeriodKind.Running, At(1), At(2), "one", 1, "handed over"),
            new(ProcessorPeriodKind.Waiting, At(2), At(3), null, 0, null),
            new(ProcessorPeriodKind.Running, At(3), At(4), "two", 2, "attempt 1 failed: no paper"),
            new(ProcessorPeriodKind.Waiting, At(4), At(5), null, 0, null),
            new(ProcessorPeriodKind.Running, At(5), At(6), "two", 3, "two has not told how it ended"),
            new(ProcessorPeriodKind.Running, At(6), At(7), "three", 4, "failed: broken"),
        ], timeline.Of("work"));
    }

    [Fact]
    public void AWaitForRoomIsAPeriodOfItsOwn()
    {
        RunTimeline timeline = Plan("work", "other");
        timeline.Add(At(1), new(RunEventKind.Stuck, "one", "work", Stream: "y"));               // before its start: of a lost journal
        timeline.Add(At(2), new(RunEventKind.Started, "one", "work", Start: 1));
        timeline.Add(At(3), new(RunEventKind.Stuck, "one", "work", Stream: "y"));
        timeline.Add(At(4), new(RunEventKind.Moving, "one", "work"));
        timeline.Add(At(5), new(RunEventKind.Moving, "one", "work"));
        timeline.Add(At(6), new(RunEventKind.CancelRequested, "one", Error: "enough"));
        Assert.Equal(
        [
            new(ProcessorPeriodKind.Waiting, At(0), At(2), null, 0, null),
            new(ProcessorPeriodKind.Running, At(2), At(3), "one", 1, null),
            new(ProcessorPeriodKind.Blocked, At(3), At(4), "one", 1, "waits for room in y"),
            new(ProcessorPeriodKind.Running, At(4), null, "one", 1, null),
        ], timeline.Of("work"));
        Assert.Equal([new(ProcessorPeriodKind.Waiting, At(0), At(6), null, 0, "cancelled")], timeline.Of("other"));
        Assert.Empty(timeline.Of("unknown"));
    }

    [Fact]
    public void OfManyAttemptsTheLastOnesAreKept()
    {
        RunTimeline timeline = Plan("work");
        for (int i = 1; i <= 10_000; i++)
        {
            timeline.Add(At(2 * i), new(RunEventKind.Started, "one", "work", Start: 1));
            timeline.Add(At((2 * i) + 1), new(RunEventKind.Retrying, "one", "work", "no paper") { Attempt = i });
        }
        IReadOnlyList<ProcessorPeriod> periods = timeline.Of("work");
        Assert.Equal(RunTimeline.MaxPeriods, periods.Count);
        Assert.Equal(("attempt 10000 failed: no paper", 10_000), (periods[^2].Note, periods[^2].Start));
    }

    [Fact]
    public async Task TheReportHasThePeriodsTheReadersAndTheValuesOfARun()
    {
        await using var lab = new FlowLab();
        Supervisor service = lab.Join();
        var source = new Processor("source") { Inputs = ["n"], Outputs = ["x"] };
        var sink = new Processor("sink") { Inputs = ["x"], Outputs = ["y"] };
        var goOn = new TaskCompletionSource();
        service.Register(source, async (IO<int> n, IOWriter<int> x) =>
        {
            for (int i = 1, count = await n.FirstAsync(); i <= count; i++) await x.WriteAsync(i);
        });
        service.Register(sink, async (IO<int> x, IOWriter<int> y) =>
        {
            await y.WriteAsync(await x.FirstAsync());
            await goOn.Task;
            await foreach (int _ in x.StreamAsync()) { }
        });
        await using FlowRun run = await service.StartAsync(Flow.From(source, sink).Resolve(), [IOVal.Of("n", 120)], run: "r",
            keepOutputs: true, cancellation: FlowLab.Cancellation);
        await lab.UntilAsync("flow/r", async () => (await InfoAsync(lab)).Processors is [{ Status: FlowStatus.Completed }, _]);
        await lab.UntilAsync("flow-io/r/y", async () => (await InfoAsync(lab)).Streams.Single(static one => one.Name == "y").Written == 1);
        FlowRunInfo info = await InfoAsync(lab);
        ProcessorPeriod last = info.Processors[0].Periods[^1];
        Assert.Equal((ProcessorPeriodKind.Running, "completed", service.Name), (last.Kind, last.Note, last.Host));
        Assert.Equal([ProcessorPeriodKind.Waiting, ProcessorPeriodKind.Running], info.Processors[1].Periods.Select(static one => one.Kind));
        Assert.Null(info.Processors[1].Periods[^1].To);
        FlowStreamInfo values = info.Streams.Single(static one => one.Name == "x"), results = info.Streams.Single(static one
            => one.Name == "y");
        FlowReaderInfo reader = Assert.Single(values.Readers);
        Assert.Equal(("the processor sink", "sink", 120), (reader.Name, reader.Processor, reader.Kept));
        Assert.Equal($"the service {service.Name}", Assert.Single(results.Readers).Name);
        Assert.Equal((false, true, false, true), (values.IsResult, results.IsResult, values.IsInput, values.IsWhole));

        ReadResult page = (await FlowInspector.ReadAsync(lab.Store, "r", "x", 1, 100, FlowLab.Cancellation))!;
        Assert.Equal((100, 101, null), (page.Entries.Length, page.Next, page.End));
        page = (await FlowInspector.ReadAsync(lab.Store, "r", "x", page.Next, 100, FlowLab.Cancellation))!;
        Assert.Equal((20, true), (page.Entries.Length, page.End is not null));
        Assert.Equal("120"u8, page.Entries.Span[^1].Payload.Span);
        Assert.True((await FlowInspector.ReadAsync(lab.Store, "r", "x", 1_000_000, 100, FlowLab.Cancellation))!.Entries.IsEmpty);
        Assert.Null(await FlowInspector.ReadAsync(lab.Store, "r", "z", 1, 100, FlowLab.Cancellation));
        await Assert.ThrowsAsync<ArgumentException>(() => FlowInspector.ReadAsync(lab.Store, "r", "../x", cancellation: default));
        goOn.SetResult();
        await run.Completion.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
    }

    private static async Task<FlowRunInfo> InfoAsync(FlowLab lab) => (await FlowInspector.FindAsync(lab.Store, "r",
        FlowLab.Cancellation))!;

    private static DateTimeOffset At(int seconds) => Begin.AddSeconds(seconds);

    private static RunTimeline Plan(params string[] processors)
    {
        var timeline = new RunTimeline();
        RunPlan plan = new("r", "key", "one", [.. processors.Select(static name => new ProcessorPlan(name, ["x"], ["y"], false, default))],
            [], []);
        timeline.Add(At(0), new(RunEventKind.Begun, "one", Plan: plan));
        return timeline;
    }
}
