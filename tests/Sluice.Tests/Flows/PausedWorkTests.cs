using System.Collections.Concurrent;
using Sluice.Diagnostics;
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

    /// <summary>Otherwise a run waits, and nothing says that a person has asked for that.</summary>
    [Fact]
    public async Task AServiceWarnsOnceOfAPauseAndTheStatusSaysIt()
    {
        await using var inner = new MemoryStreamStore();
        var store = new CountingStore(inner);
        var warnings = new ConcurrentQueue<string>();
        await using var host = Supervisor.Attach(store, new() { Name = "host", OnWarning = warnings.Enqueue });
        Processor after = new("after") { Inputs = ["y"], Outputs = ["z"] };
        host.Register(Work, static async (IO<int> x) => await x.FirstAsync());
        host.Register(after, static async (IO<int> y) => await y.FirstAsync());
        await using (FlowRun first = await StartAsync(host)) await first.Completion.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
        await inner.PauseGroupAsync(FlowNames.Hosts("work"), true, FlowLab.Cancellation);
        DateTimeOffset since = (await inner.FindGroupAsync(FlowNames.Hosts("work"), FlowLab.Cancellation))!.PausedAt!.Value;
        for (int i = 0; i < 3; i++)
        {
            int before = store.Paused;
            await (await StartAsync(host)).DisposeAsync();
            while (store.Paused == before) await Task.Yield();            // orders that come at once wake the service once
        }
        await using FlowRun run = await host.StartAsync(Flow.From(Work, after).Resolve(), [IOVal.Of("x", 1)],
            cancellation: FlowLab.Cancellation);
        Assert.Equal($"The starts of the processor work are paused since {since:u}: new runs wait until somebody resumes them "
            + "(`sluice resume STORE work/work:hosts`).", Assert.Single(warnings));
        FlowRunInfo status = await run.GetStatusAsync(FlowLab.Cancellation);
        for (var looks = new Rounds(100_000); status.Processors[1].WaitsFor is null;)         // its function may be about to begin
        {
            Assert.True(await looks.GoOnAsync(), "The processor behind it does not wait.");
            status = await run.GetStatusAsync(FlowLab.Cancellation);
        }
        Assert.Equal([since, null], status.Processors.Select(static one => one.PausedAt));
        Assert.Contains($"waiting (paused since {since:u}), y 0", status.ToText(), StringComparison.Ordinal);
        Assert.Contains("written by work, whose starts are paused", status.Processors[1].WaitsFor!, StringComparison.Ordinal);
        FlowRunInfo look = (await FlowInspector.FindAsync(inner, run.Id, FlowLab.Cancellation))!;
        Assert.Equal(since, look.Processors[0].PausedAt);

        await inner.PauseGroupAsync(FlowNames.Hosts("work"), false, FlowLab.Cancellation);
        await run.Completion.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
        Assert.All((await run.GetStatusAsync(FlowLab.Cancellation)).Processors, static one => Assert.Null(one.PausedAt));
        Assert.Single(warnings);
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
