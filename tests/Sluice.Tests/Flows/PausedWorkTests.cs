using Sluice.Flows;
using Sluice.Storage;

namespace Sluice.Tests.Flows;

/// <summary>A paused group of a processor's services starts no processors, and does not ask without end.</summary>
public class PausedWorkTests
{
    private static readonly Processor Work = new("work") { Inputs = ["x"], Outputs = ["y"] };

    [Fact]
    public async Task ProcessorsStartWhenTheirGroupIsResumed()
    {
        await using var inner = new MemoryStreamStore();
        var store = new CountingStore(inner);
        int started = 0;
        await using var host = Supervisor.Attach(store, new() { Name = "host" });
        host.Register(Work, CopyAsync);
        await using (FlowRun first = await StartAsync(host)) await first.Completion.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
        await inner.PauseGroupAsync(FlowNames.Hosts("work"), true, FlowLab.Cancellation);
        await using FlowRun run = await StartAsync(host);
        while (store.Paused == 0) await Task.Yield();
        int before = store.Paused;
        for (int i = 0; i < 5_000; i++) await Task.Yield();
        Assert.InRange(store.Paused - before, 0, 50);                     // the orders may wake it, and nothing else does
        Assert.Equal(1, started);
        Assert.False(run.Completion.IsCompleted);
        await inner.PauseGroupAsync(FlowNames.Hosts("work"), false, FlowLab.Cancellation);
        await run.Completion.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
        Assert.Equal(2, started);

        async IAsyncEnumerable<IOVal> CopyAsync(IO<int> x)
        {
            Interlocked.Increment(ref started);
            await foreach (int value in x.StreamAsync()) yield return IOVal.Of("y", value);
        }
    }

    private static Task<FlowRun> StartAsync(Supervisor host)
        => host.StartAsync(Flow.From(Work).Resolve(), [IOVal.Of("x", 1)], cancellation: FlowLab.Cancellation);

    private sealed class CountingStore(IStreamStore inner) : StreamStoreWrapper(inner, leaveOpen: true)
    {
        private int paused;

        public int Paused => Volatile.Read(ref paused);

        public override async ValueTask<LeaseResult> LeaseAsync(LeaseRequest request, CancellationToken cancellation = default)
        {
            LeaseResult lease = await base.LeaseAsync(request, cancellation);
            if (lease.IsPaused) Interlocked.Increment(ref paused);
            return lease;
        }
    }
}
