using Sluice.Flows;
using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Tests.Flows;

/// <summary>A writer that waits for room reports that ever less often, at least every five minutes.</summary>
public class BlockedWriterWarningTests
{
    [Fact]
    public async Task ALongWaitForRoomIsReportedEveryFewMinutes()
    {
        var clock = new TestClock();
        await using var store = new MemoryStreamStore(clock);
        using var core = new SupervisorCore(store, new() { Time = clock });
        string journal = FlowNames.Journal("run"), values = FlowNames.Values("run", "y");
        foreach (string stream in (string[])[journal, values])
            await store.OpenStreamAsync(stream, new() { Partitions = 1 }, FlowLab.Cancellation);
        var plan = new StreamPlan("y", Type: null, IsGiven: false, MaxItems: 1, MaxBytes: 1, MaxItemBytes: 1, MaxKept: 1,
            Retention.UntilRead);
        var writer = new ProcessorPlan("work", [], ["y"], Wait: false, ResumeMode.FromScratch);
        using var stalls = new DeadlockDetector(core, new("run", "key", "test", [writer], [plan], []), writer, FlowLab.Cancellation);
        var output = new OutputStream(core.Calls, "run", plan, "work", stalls, slot: null, FlowLab.Cancellation);

        long seen = await store.WaitForChangeAsync(values, -1, FlowLab.Cancellation);
        await using var wait = new OutputWait(output);
        TimeSpan passed = TimeSpan.Zero;
        int looks = 0;
        for (; passed < TimeSpan.FromHours(2) && looks < 1_000; looks++)
        {
            Task waiting = wait.WaitAsync(seen, retryAfter: null);
            await clock.WaitForTimersAsync(1, FlowLab.Cancellation);
            TimeSpan step = clock.NextDue!.Value - clock.GetUtcNow();
            passed += step;
            clock.Advance(step);
            await waiting.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
        }
        Assert.InRange(looks, 9, 50);
        Assert.InRange((await store.FindStreamAsync(journal, FlowLab.Cancellation))!.Appended, 9, 50);
    }
}
