using System.Collections.Concurrent;
using Sluice.Flows;
using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Tests.Flows;

/// <summary>A function awaits another run, whose order may lie in the same partition.</summary>
public class AwaitedRunTests
{
    private const int Held = 1000;
    private static readonly TimeSpan LeaseTime = TimeSpan.FromSeconds(9);
    private static readonly Processor Work = new("work") { Inputs = ["x"], Outputs = ["y"] };
    private static readonly Processor Nobody = new("nobody") { Outputs = ["z"] };
    private static readonly Flow Working = Flow.From(Work).Resolve(), Waiting = Flow.From(Nobody).Resolve();

    private static CancellationToken Cancellation => FlowLab.Cancellation;

    /// <remarks>Formerly the partitions were to leave, and their orders were leased last: the awaited run might not begin while the service
    /// was busy, and the run that awaited it kept the partition here.</remarks>
    [Fact]
    public async Task ABusyServiceKeepsThePartitionsOfRunsThatAwaitRuns()
    {
        var clock = new TestClock();
        await using var lab = new FlowLab();
        var store = new WatchedStore(lab.Store);
        Supervisor busy = lab.Join(options => options with
        {
            Name = "busy",
            Time = clock,
            LeaseDuration = LeaseTime,
            MaxConcurrency = 1
        }, store);
        int awaiting = 0;
        var go = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var isHeld = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        busy.Register(Work, async (IO<int> x, CancellationToken cancellation) =>
        {
            int n = await x.FirstAsync(cancellation);
            if (n >= Held)
            {
                isHeld.TrySetResult();
                await go.Task.WaitAsync(cancellation);
                return n;
            }
            await using FlowRun awaited = await busy.StartAsync(Waiting, [], cancellation: cancellation);
            Task completion = awaited.Completion;
            Interlocked.Increment(ref awaiting);
            await completion.WaitAsync(cancellation);
            return n;
        });
        List<FlowRun> runs = [];
        for (int partition = 0; partition < WorkGroup.Partitions; partition++)
        {
            string id = Enumerable.Range(0, int.MaxValue).Select(n => $"run-{partition}-{n}")
                .First(id => EntryKey.Of(id).PartitionOf(WorkGroup.Partitions) == partition);
            runs.Add(await busy.StartAsync(Working, [IOVal.Of("x", partition)], run: id, cancellation: Cancellation));
        }
        await UntilAsync(() => Volatile.Read(ref awaiting) == WorkGroup.Partitions);
        for (int n = 0; n < 2; n++)                  // one has the slot, one waits for it: the service is full
        {
            runs.Add(await busy.StartAsync(Working, [IOVal.Of("x", Held + n)], cancellation: Cancellation));
            if (n == 0) await isHeld.Task.WaitAsync(Cancellation);
        }
        await UntilAsync(() => store.Orders == WorkGroup.Partitions + 2);

        for (int beat = 0; beat < 2; beat++)         // another service has come
        {
            await lab.Store.HeartbeatAsync(new(FlowNames.Hosts("work"), "joined", "joined-1", LeaseTime), Cancellation);
            (int looks, int rounds) = (store.Looks, store.Rounds);
            clock.Advance(LeaseTime / 3);
            await UntilAsync(() => store.Looks > looks && store.Rounds > rounds);
        }
        store.Leased.Clear();
        go.SetResult();
        await UntilAsync(() => !store.Leased.IsEmpty);
        Assert.Equal(WorkGroup.Partitions, store.Leased.First());
        foreach (FlowRun run in runs) await run.DisposeAsync();
    }

    private static async Task UntilAsync(Func<bool> isSo)
    {
        while (!isSo())
        {
            Cancellation.ThrowIfCancellationRequested();
            await Task.Yield();
        }
    }

    /// <summary>Counts the looks of the service at the group, the rounds of its loop that have ended, and the partitions of each
    /// lease.</summary>
    private sealed class WatchedStore(IStreamStore inner) : StreamStoreWrapper(inner, leaveOpen: true)
    {
        private static readonly GroupId Group = FlowNames.Hosts("work");
        private int looks, rounds, orders;

        public int Looks => Volatile.Read(ref looks);

        public int Rounds => Volatile.Read(ref rounds);

        public int Orders => Volatile.Read(ref orders);

        public ConcurrentQueue<int> Leased { get; } = [];

        public override async ValueTask<GroupInfo?> FindGroupAsync(GroupId group, CancellationToken cancellation = default)
        {
            GroupInfo? info = await base.FindGroupAsync(group, cancellation);
            if (group == Group) Interlocked.Increment(ref looks);
            return info;
        }

        public override ValueTask<long> WaitForChangeAsync(string stream, long after, CancellationToken cancellation = default)
        {
            if (stream == Group.Stream && after >= 0) Interlocked.Increment(ref rounds);
            return base.WaitForChangeAsync(stream, after, cancellation);
        }

        public override async ValueTask<LeaseResult> LeaseAsync(LeaseRequest request, CancellationToken cancellation = default)
        {
            LeaseResult result = await base.LeaseAsync(request, cancellation);
            if (request.Owned[0].Group != Group) return result;
            Leased.Enqueue(request.Owned.Count);
            Interlocked.Add(ref orders, result.Batches.Sum(static batch => batch.Entries.Length));
            return result;
        }
    }
}
