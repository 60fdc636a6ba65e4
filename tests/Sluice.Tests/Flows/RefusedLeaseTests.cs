using Sluice.Flows;
using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Tests.Flows;

/// <summary>A store that answers reads and refuses leases: its memory or its disk is full.</summary>
public class RefusedLeaseTests
{
    private static readonly Processor Work = new("work") { Inputs = ["x"], Outputs = ["y"] };

    [Fact]
    public async Task ARefusedLeaseIsRetriedWithBackoffAndFewWarnings()
    {
        var clock = new TestClock();
        await using var inner = new MemoryStreamStore(clock);
        var store = new FullStore(inner);
        int warnings = 0;
        await using var host = Supervisor.Attach(store,
            new()
            {
                Name = "host",
                Time = clock,
                RunRetentionDuration = Timeout.InfiniteTimeSpan,
                LeaseDuration = TimeSpan.FromHours(1),
                OnWarning = _ => Interlocked.Increment(ref warnings)
            });
        host.Register(Work, StartTests.CopyAsync);
        for (TimeSpan passed = TimeSpan.Zero; passed < TimeSpan.FromMinutes(5) && store.Refused < 1_000;)
        {
            // the heartbeat timer, and the pause
            await clock.WaitForTimersAsync(2, FlowLab.Cancellation).WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
            TimeSpan step = clock.NextDue!.Value - clock.GetUtcNow();
            passed += step;
            clock.Advance(step);
        }
        Assert.InRange(store.Refused, 1, 200);
        Assert.InRange(warnings, 1, 10);

        await clock.WaitForTimersAsync(2, FlowLab.Cancellation).WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
        store.IsFull = false;
        await using FlowRun run = await host.StartAsync(Flow.From(Work).Resolve(), [IOVal.Of("x", 1)], cancellation: FlowLab.Cancellation);
        clock.Advance(TimeSpan.FromSeconds(5));
        await run.Completion.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
    }

    private sealed class FullStore(IStreamStore inner) : StreamStoreWrapper(inner, leaveOpen: true)
    {
        private int refused;

        public bool IsFull { get; set; } = true;

        public int Refused => Volatile.Read(ref refused);

        public override ValueTask<LeaseResult> LeaseAsync(LeaseRequest request, CancellationToken cancellation = default)
        {
            if (!IsFull) return base.LeaseAsync(request, cancellation);
            Interlocked.Increment(ref refused);
            throw new StreamStoreException("There is no room, as the test wants.");
        }
    }
}
