using System.Collections.Concurrent;
using Sluice.Delivery;
using Sluice.Diagnostics;
using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Tests.Delivery;

/// <summary>Items of a key end in the order in which they were accepted, whatever fails meanwhile; other keys go on.</summary>
public class KeyOrderTests
{
    // Many lease durations.
    private static readonly TimeSpan Pause = TimeSpan.FromMinutes(10);

    private readonly ConcurrentDictionary<int, int> starts = new();
    private readonly TestClock clock = new();
    private readonly Ledger ledger = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <summary>A partner was away, and an item of each key waits with one behind it. Each commit releases some; it must not look at all
    /// keys, which took minutes.</summary>
    [Fact]
    public async Task AHundredThousandKeysAreReleasedInTheirOrder()
    {
        const int Keys = 100_000, Most = 125;
        await using var store = new MemoryStreamStore(clock);
        var stream = new ConsecutorStream(new("s", "g"), new(), keepsState: true, store) { KeyOf = static (int item) => item };
        var order = new KeyOrder(new(0, null!, hasListener: false), stream, clock, [], clock.GetUtcNow());
        for (int i = 0; i < Keys; i++)
        {
            order.Add(i, (ulong)(1 + i), 1, TimeSpan.FromSeconds(1 + (i % 7)), isBehind: false);
            order.Add(Keys + i, (ulong)(1 + i), 0, null, isBehind: true);
        }
        long start = clock.GetTimestamp();
        Assert.Equal((2 * Keys, start + clock.TimestampFrequency), (order.Count, order.RetryAt));
        Assert.Equal((7L, null), (order.Before(Keys + 7, 8), order.Before(7, 8)));
        Assert.Empty(order.Release(Most));
        for (int i = 0; i < Keys; i++) order.Remove(i, (ulong)(1 + i));
        Assert.Null(order.RetryAt);
        HashSet<long> released = [];
        while (released.Count < Keys)
        {
            List<RetryWrite> some = order.Release(Most);
            Assert.Equal(some, order.Release(Most));             // the first commit failed
            Assert.All(some, write => Assert.True(released.Add(write.Sequence)));
            order.MarkReleased();
            Assert.Equal(start, order.RetryAt);
        }
        Assert.Empty(order.Release(Most));
        foreach (long sequence in released) order.Remove(sequence, (ulong)(1 + sequence - Keys));
        Assert.Equal((0, null), (order.Count, order.RetryAt));
    }

    [Fact]
    public async Task AnItemThatFailsBehindAFailedItemIsNotCharged()
    {
        await using var store = await ScenarioStore.OpenAsync(clock);
        await using Consecutor<int> consecutor = Make(store, "one", Sluice.DeliveryGuarantee.Replay(1, Backoff.None),
            number => (number, starts[number]) is (1, 1) or (2, 2) or (3, _));
        await consecutor.SendAllAsync([1, 2, 3], Cancellation);
        await consecutor.StartAsync(Cancellation);
        ConsecutorSnapshot end = await consecutor.WaitForIdleAsync(Cancellation);
        Assert.Equal((3L, 1L), (end.Accepted, end.Dead));
        Assert.Equal(["1", "2", "3"], ledger.Lines);             // of the third, the part that did not fail
    }

    [Theory]
    [InlineData("goes on")]
    [InlineData("is stopped")]
    [InlineData("is killed")]
    [InlineData("loses the partition")]
    public async Task LaterItemsOfAKeyWaitWhateverHappensToTheConsecutor(string fate)
    {
        await using IStreamStore inner = await ScenarioStore.OpenAsync(clock);
        var store = new PacedStore(inner);
        DeliveryGuarantee delivery = Sluice.DeliveryGuarantee.Replay(3, Backoff.Constant(Pause));
        await using Consecutor<int> first = Make(store, "one", delivery, number => number == 1 && starts[1] < 3);
        await first.SendAllAsync([1, 2, 11], Cancellation);
        await first.StartAsync(Cancellation);
        await first.SendAllAsync([3, 12], Cancellation);
        await Member.UntilAsync(() => ledger.Lines.Count == 2 && first.Snapshot() is { Parked: 2, Retrying: 1 });
        Assert.Equal(["11", "12"], ledger.Lines.Order());        // the other key

        Consecutor<int>? second = fate == "goes on" ? null
            : Make(store, fate == "loses the partition" ? "two" : "one", delivery, number => number == 1 && starts[1] < 3);
        if (fate == "is killed") await first.AbandonAsync();
        else if (second is not null) await first.StopAsync();
        Consecutor<int> last = second ?? first;
        if (second is not null) await second.StartAsync(Cancellation);
        await last.SendAllAsync([4, 13], Cancellation);
        Task<ConsecutorSnapshot> idle = last.WaitForIdleAsync(Cancellation);
        await store.PassAsync(clock, () => idle.IsCompleted, () => $"{last.Snapshot()}", seconds: 5);
        Assert.Equal(["1", "2", "3", "4"], ledger.Lines.Where(line => line.Length == 1));
        Assert.Equal(["11", "12", "13"], ledger.Lines.Where(line => line.Length == 2));
        Assert.Equal(0, (await idle).Unaccounted);
        if (second is not null) await second.DisposeAsync();
    }

    /// <remarks>A lease of another partition fails, so this partition is given up, to be acquired again. Only then comes the answer to the
    /// commit that releases the second and the third item.</remarks>
    [Fact]
    public async Task WaitingItemsAreCountedOnceIfThePartitionIsLostDuringACommit()
    {
        await using IStreamStore inner = await ScenarioStore.OpenAsync(clock);
        var paced = new PacedStore(inner);               // heartbeats are in time, so the member may lease
        var store = new LateStore(paced);
        await using Consecutor<int> consecutor = Make(store, "one", Sluice.DeliveryGuarantee.Replay(1, Backoff.Constant(Pause)),
            number => (number, starts[number]) is (1, 1), partitions: 2);
        await consecutor.SendAllAsync([1, 2, 3], Cancellation);
        await consecutor.StartAsync(Cancellation);

        // The others wait before the first is retried: otherwise no commit would have to release them.
        await Member.UntilAsync(() => consecutor.Snapshot() is { Parked: 2, Retrying: 1 });
        await paced.PassAsync(clock, () => store.HasLetGo.Task.IsCompleted, () => $"{consecutor.Snapshot()}", seconds: 5);
        await consecutor.SendAsync(11, Cancellation);
        Task<ConsecutorSnapshot> idle = consecutor.WaitForIdleAsync(Cancellation);
        try
        {
            await paced.PassAsync(clock, () => idle.IsCompleted, () => $"{consecutor.Snapshot()}");
        }
        finally
        {
            store.Answer();                          // otherwise a failed test would wait for the commit when it disposes the consecutor
        }
        Assert.True(await idle is { Accepted: 4, Completed: 4, Unaccounted: 0 }, $"{await idle}");
        Assert.Equal(["1", "2", "3"], ledger.Lines.Where(line => line.Length == 1));
    }

    private sealed class LateStore(IStreamStore inner) : StreamStoreWrapper(inner, leaveOpen: true)
    {
        private readonly TaskCompletionSource isGivenUp = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private int failed;

        /// <summary>Answers the commit that was held.</summary>
        public void Answer() => isGivenUp.TrySetResult();

        public TaskCompletionSource HasLetGo { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public override async ValueTask<CommitResult> CommitAsync(StoreCommit commit, CancellationToken cancellation = default)
        {
            CommitResult result = await base.CommitAsync(commit, cancellation);
            if (commit.Settled.Count == 0 || commit.Deferred.Count == 0 || !HasLetGo.TrySetResult()) return result;
            await isGivenUp.Task.WaitAsync(cancellation);
            return result;
        }

        // Decided after the call: a lease that was under way when the commit was let go may give out the last item. If it succeeded, both
        // partitions would be busy until the commit is answered, and no other lease would come.
        public override async ValueTask<LeaseResult> LeaseAsync(LeaseRequest request, CancellationToken cancellation = default)
        {
            LeaseResult result = await base.LeaseAsync(request, cancellation);
            return HasLetGo.Task.IsCompleted && Interlocked.Exchange(ref failed, 1) == 0
                ? throw new StreamStoreException("The answer was lost.") : result;
        }

        public override async ValueTask<bool> ReleaseAsync(Ownership owner, CancellationToken cancellation = default)
        {
            bool released = await base.ReleaseAsync(owner, cancellation);
            if (Volatile.Read(ref failed) == 1) isGivenUp.TrySetResult();
            return released;
        }
    }

    private Consecutor<int> Make(IStreamStore store, string member, Sluice.DeliveryGuarantee delivery, Func<int, bool> fails,
        int partitions = 1) => new("work",
        source => source |
        [
            s => s | ledger.Sink<int>(),
            s => s | (number => { starts.AddOrUpdate(number, 1, static (_, count) => count + 1); if (fails(number))
                throw new TimeoutException("not now"); }),
        ],
        new()
        {
            Store = store,
            Delivery = delivery,
            Process = new(),
            InstanceId = member,
            Stream = new() { Partitions = partitions },
            Run = new() { Time = clock }
        })
        { Key = number => number < 10 ? "a" : "b" };
}
