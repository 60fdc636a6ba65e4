using Sluice.Flows;
using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Tests.Flows;

/// <summary>A run may last longer than results are kept: their time counts from its end.</summary>
public class LongRunTests
{
    private static readonly TimeSpan Third = new SupervisorOptions().ResultRetentionDuration / 3;

    /// <remarks>Formerly the time counted from the start of the run, and the result left the store as soon as it was put out.</remarks>
    [Fact]
    public async Task AStarterThatAwaitsTheEndOfALongRunGetsItsResult()
    {
        var clock = new TestClock();
        var watched = new ThirdClock(clock);
        await using var store = new MemoryStreamStore(clock);
        var go = new TaskCompletionSource<int>(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var host = Supervisor.Attach(store, new() { Name = "host", Time = new TestClock() });
        var work = new Processor("work") { Outputs = ["sum"] };
        host.Register(work, () => go.Task);
        await using var starter = Supervisor.Attach(store, new() { Name = "starter", Time = watched, OnWarning = static _ => { } });
        await using FlowRun run = await starter.StartAsync(Flow.From(work).Resolve(), [], cancellation: FlowLab.Cancellation);
        for (int third = 0; third < 4; third++)
        {
            Assert.True(await watched.Waits.WaitAsync(FlowLab.Patience, FlowLab.Cancellation), $"{third}");
            clock.Advance(Third);
        }
        Assert.True(await watched.Waits.WaitAsync(FlowLab.Patience, FlowLab.Cancellation));
        go.SetResult(7);
        await run.Completion.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
        Assert.Equal(7, await run.Output<int>("sum").FirstAsync(FlowLab.Cancellation).AsTask()
            .WaitAsync(FlowLab.Patience, FlowLab.Cancellation));
    }

    private sealed class ThirdClock(TestClock clock) : WatchedClock(clock)
    {
        public SemaphoreSlim Waits { get; } = new(0);

        protected override void OnCreated(TimeSpan dueTime, TimeSpan period)
        {
            if (dueTime == Third) Waits.Release();
        }
    }
}
