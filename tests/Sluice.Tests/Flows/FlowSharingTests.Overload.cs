using System.Collections.Concurrent;
using Sluice.Flows;
using Sluice.Storage;

namespace Sluice.Tests.Flows;

/// <content>Services whose slots are all taken (<see cref="SupervisorOptions.MaxConcurrency"/>).</content>
public partial class FlowSharingTests
{
    /// <remarks>Formerly the first service took on all runs, and kept its partitions while it had any.</remarks>
    /// <param name="slots">The slots of a service: with 1, most of its partitions are idle; with 20, none.</param>
    [Theory]
    [InlineData(1)]
    [InlineData(20)]
    public async Task AServiceThatJoinsAnOverloadedOneGetsRuns(int slots)
    {
        await using var store = new MemoryStreamStore();
        await using Service busy = await Service.StartAsync(store, "busy", slots: slots);
        await UntilCountsAsync(store, 16);
        busy.IsHeld = true;
        FlowRun[] runs = await Task.WhenAll(Enumerable.Range(0, 200)
            .Select(n => busy.Supervisor.StartAsync(Working, [IOVal.Of("x", n)], cancellation: Cancellation)));
        while (busy.Done.Count < slots) await NextAsync();
        await using Service joined = await Service.StartAsync(store, "joined", slots: slots);
        var rounds = new Rounds(FirstRounds);
        while (joined.Done.IsEmpty)
        {
            Assert.True(await rounds.GoOnAsync(), await OwnersAsync(store));
            Assert.InRange(busy.Done.Count, slots, runs.Length - 1);
            if (!joined.Store.HasLeased) busy.LetOneEnd();
            int[] before = [busy.Store.Rounds, joined.Store.Rounds];
            await PassTimeAsync(store, busy, joined);
            while (busy.Store.Rounds == before[0] || joined.Store.Rounds == before[1]) await NextAsync();
        }
        busy.IsHeld = false;
        await Task.WhenAll(runs.Select(static run => run.Completion)).WaitAsync(FlowLab.Patience, Cancellation);
        foreach (FlowRun run in runs) await run.DisposeAsync();
        Assert.Equal(runs.Length, busy.Done.Count + joined.Done.Count);
    }

    private sealed partial class Service
    {
        private readonly ConcurrentQueue<TaskCompletionSource> working = [];
        private volatile bool isHeld;

        /// <summary>Whether its functions do not end.</summary>
        public bool IsHeld
        {
            get => isHeld;
            set
            {
                isHeld = value;
                while (!value && working.TryDequeue(out TaskCompletionSource? one)) one.TrySetResult();
            }
        }

        public void LetOneEnd()
        {
            if (working.TryDequeue(out TaskCompletionSource? one)) one.TrySetResult();
        }

        private async Task WorkAsync(CancellationToken cancellation)
        {
            if (!IsHeld) return;
            var end = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            working.Enqueue(end);
            if (!IsHeld) end.TrySetResult();
            await end.Task.WaitAsync(cancellation);
        }
    }
}
