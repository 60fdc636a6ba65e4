using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using Sluice.Diagnostics;
using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Tests.Delivery;

/// <summary>Live members share the partitions. A partition moves when members come and go, once none of its items is in flight.</summary>
public class SharingTests
{
    private readonly TestClock clock = new();
    private readonly ConcurrentQueue<(string Member, int Item)> done = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task PartitionsAreRebalancedWhenMembersJoinAndLeave()
    {
        await using var store = new MemoryStreamStore(clock);
        await using Consecutor<int> first = Make(store, "a"), second = Make(store, "b"), third = Make(store, "c");
        await first.StartAsync(Cancellation);
        await UntilOwnersAsync(store, "aaaaaaaa", "a");
        await second.StartAsync(Cancellation);
        await UntilOwnersAsync(store, "aaaabbbb", "a", "b");
        await third.StartAsync(Cancellation);
        await UntilAsync(store, owners => !owners.Contains('-', StringComparison.Ordinal)
            && owners.GroupBy(static owner => owner).Select(static group => group.Count()).Order().SequenceEqual([2, 3, 3]), "a", "b", "c");
        // A member may still act by an older view of the group. After that, a balanced group moves no partition.
        string before = "";
        for (int attempt = 0; await OwnersAsync(store) is var balanced && balanced != before; attempt++)
        {
            Assert.True(attempt < 20, $"{before} became {balanced}");
            before = balanced;
            for (int round = 0; round < 10; round++) await BeatAsync(store, "a", "b", "c");
        }
        Assert.Equal([2, 3, 3], before.GroupBy(static owner => owner).Select(static group => group.Count()).Order());

        Assert.True(await first.StopAsync());
        await UntilOwnersAsync(store, "bbbbcccc", "b", "c");
        await second.AbandonAsync();
        await UntilOwnersAsync(store, "cccccccc", "c");
    }

    [Fact]
    public async Task AnIdleMembersCountsIncludeTheItemsOfAllMembers()
    {
        await using var store = new MemoryStreamStore(clock);
        await using Consecutor<int> first = Make(store, "a"), second = Make(store, "b");
        await first.StartAsync(Cancellation);
        await second.StartAsync(Cancellation);
        await UntilOwnersAsync(store, "aaaabbbb", "a", "b");
        await first.SendAllAsync([.. Enumerable.Range(0, 100)], Cancellation);
        await second.SendAllAsync([.. Enumerable.Range(100, 100)], Cancellation);
        foreach (Consecutor<int> one in new[] { first, second })
        {
            Task<ConsecutorSnapshot> idle = one.WaitForIdleAsync(Cancellation);
            while (!idle.IsCompleted) await BeatAsync(store, "a", "b");
            ConsecutorSnapshot end = await idle;
            Assert.Equal((200L, 200L, 0L, 0L), (end.Accepted, end.Completed, end.Cancelled, end.Unaccounted));
        }
        Assert.Equal(Enumerable.Range(0, 200), done.Select(static one => one.Item).Order());
        Assert.Equal(["a", "b"], done.Select(static one => one.Member).Distinct().Order());
    }

    [Fact]
    public async Task AHeartbeatReadsAFewCountsOfOtherMembersAndAWaiterReadsAll()
    {
        const int Partitions = 200, MaxReads = 32;
        await using var store = new MemoryStreamStore(clock);
        var counting = new CountingStore(store);
        await using Consecutor<int> first = Busy(counting, "a"), second = Busy(store, "b");
        await first.StartAsync(Cancellation);
        await second.StartAsync(Cancellation);
        await UntilAsync(store, static owners => owners.Count(static owner => owner == 'a') == Partitions / 2
            && owners.Count(static owner => owner == 'b') == Partitions / 2, "a", "b");
        counting.Reset();                            // a start reads all that it takes
        await second.SendAllAsync([.. Enumerable.Range(0, 2000)], Cancellation);
        await Member.UntilAsync(() => done.Count == 2000);
        await UntilCommittedAsync();
        while (counting.Reads < (await OwnersAsync(store)).Count(static owner => owner == 'b')) await BeatAsync(store, "a", "b");
        Assert.Equal(MaxReads, counting.MostInARound);

        await second.SendAllAsync([.. Enumerable.Range(0, 2000)], Cancellation);
        await Member.UntilAsync(() => done.Count == 4000);
        await UntilCommittedAsync();
        Task<ConsecutorSnapshot> idle = first.WaitForIdleAsync(Cancellation);
        while (!idle.IsCompleted) await BeatAsync(store, "a", "b");
        Assert.Equal((4000L, 4000L), ((await idle).Accepted, (await idle).Completed));
        Assert.InRange(counting.MostInARound, MaxReads + 1, Partitions / 2);

        // Partitions that change one after the other would be read a few at a time, by several heartbeats.
        async Task UntilCommittedAsync()
        {
            while ((await store.FindStreamAsync("work", Cancellation))!.Groups[0].Outstanding > 0) await Member.PollAsync();
        }

        Consecutor<int> Busy(IStreamStore over, string name) => new("work", source => source | (item => done.Enqueue((name, item))),
            Member.Options(name, over, clock, Partitions))
        { Key = static item => $"{item}" };
    }

    [Fact]
    public async Task APartitionMovesOnceNoItemIsInFlightAndNoItemRunsTwice()
    {
        await using var store = new MemoryStreamStore(clock);
        var let = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using Consecutor<int> first = Make(store, "a", item => item < 0 ? let.Task : Task.CompletedTask, partitions: 2),
            second = Make(store, "b", partitions: 2);
        await first.SendAllAsync([.. Enumerable.Range(-100, 100)], Cancellation);          // in both partitions
        await first.StartAsync(Cancellation);
        await Member.UntilAsync(() => first.Snapshot().InFlight == 100);
        await second.StartAsync(Cancellation);
        for (int round = 0; round < 2; round++) await BeatAsync(store, "a", "b");
        Assert.Equal("aa", await OwnersAsync(store));
        await second.SendAllAsync([.. Enumerable.Range(0, 100)], Cancellation);
        let.SetResult();
        await UntilOwnersAsync(store, "ab", "a", "b");
        await Member.UntilAsync(() => done.Count == 200);
        Assert.Equal(Enumerable.Range(-100, 200), done.Select(static one => one.Item).Order());
        foreach (IGrouping<int, int> key in done.Select(static one => one.Item).GroupBy(KeyOf)) Assert.Equal(key.Order(), key);
        Assert.Equal(100, done.Count(static one => one is { Member: "a", Item: < 0 }));
    }

    [Fact]
    public async Task APartitionWithHangingItemsStaysWithItsOwnerAndGoesOn()
    {
        await using var store = new MemoryStreamStore(clock);
        var let = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using Consecutor<int> first = Make(store, "a", _ => let.Task, partitions: 2), second = Make(store, "b", partitions: 2);
        await first.SendAllAsync([.. Enumerable.Range(-100, 100)], Cancellation);
        await first.StartAsync(Cancellation);
        await Member.UntilAsync(() => first.Snapshot().InFlight == 100);
        await second.StartAsync(Cancellation);
        for (int round = 0; round < 20; round++) await BeatAsync(store, "a", "b");
        Assert.Equal("aa", await OwnersAsync(store));
        let.SetResult();
        await first.SendAllAsync([.. Enumerable.Range(0, 100)], Cancellation);
        while (done.Count < 200) await BeatAsync(store, "a", "b");      // a partition that was about to leave again may move now
        Assert.Equal(Enumerable.Range(-100, 200), done.Select(static one => one.Item).Order());
    }

    [Fact]
    public async Task PartitionsMeantForAMemberThatTakesNothingAreTakenByAnother()
    {
        await using var store = new MemoryStreamStore(clock);
        await using Consecutor<int> first = Make(store, "a"), second = Make(store, "b");
        await FirstTakesAllAsync(store, first, second);
        for (int round = 0; round < 5; round++) await BeatAsync(store, "a", "b");
        Assert.Equal("aaaaaaaa", await OwnersAsync(store));          // and stays with it
        await first.SendAllAsync([.. Enumerable.Range(0, 100)], Cancellation);
        await Member.UntilAsync(() => done.Count == 100);
    }

    [Fact]
    public async Task AMemberThatTakesWorkAgainSoonGetsItsShare()
    {
        await using var store = new MemoryStreamStore(clock);
        await using Consecutor<int> first = Make(store, "a"), second = Make(store, "b");
        await FirstTakesAllAsync(store, first, second);
        second.TakesWork = true;
        int beats = 0;
        for (; await OwnersAsync(store) != "aaaabbbb" && beats < 270; beats++)
        {
            await BeatAsync(store, "a", "b");
            // the clock is faster than the member that acquires
            for (int i = 0; i < 5_000 && (await OwnersAsync(store)).Contains('-', StringComparison.Ordinal); i++) await Member.NextAsync();
            if (beats >= 30) await Task.Delay(20, Cancellation);     // a member that releases has no processor
        }
        Assert.InRange(beats, 1, 269);               // three in a lease time: a hundred lease times are 300. Mostly it is some 15
    }

    private static int KeyOf(int item) => ((item % 16) + 16) % 16;

    private static async Task<string> OwnersAsync(IStreamStore store)
        => string.Concat((await store.FindGroupAsync(Member.Group, Cancellation))!.Partitions.Select(static partition => partition.Owner
        ?? "-").Order());

    private Task UntilOwnersAsync(IStreamStore store, string owners, params string[] living)
        => UntilAsync(store, now => now == owners, living);

    private async Task UntilAsync(IStreamStore store, Func<string, bool> isSo, params string[] living)
    {
        var rounds = new Rounds(1_000);
        while (!isSo(await OwnersAsync(store)))
        {
            Assert.True(await rounds.GoOnAsync(), await OwnersAsync(store));
            await BeatAsync(store, living);
        }
    }

    /// <summary>Advances the clock to the next heartbeats and lets most of their effects happen.</summary>
    private async Task BeatAsync(IStreamStore store, params string[] living)
    {
        await Member.BeatAsync(store, clock, living);
        for (int i = 0; i < 50; i++) await Member.NextAsync();
    }

    private Consecutor<int> Make(IStreamStore store, string name, Func<int, Task>? work = null, int partitions = 8)
        => new("work", source => source.ForEachAsync(async (int item, ItemContext _, CancellationToken cancellation) =>
        {
            if (work is not null) await work(item).WaitAsync(cancellation);
            done.Enqueue((name, item));
        }), Member.Options(name, store, clock, partitions))
        { Key = static item => $"{KeyOf(item)}" };

    /// <summary>The second member lives and takes nothing, so the first one acquires the partitions that were meant for it.</summary>
    private async Task FirstTakesAllAsync(IStreamStore store, Consecutor<int> first, Consecutor<int> second)
    {
        await first.StartAsync(Cancellation);
        await second.StartAsync(Cancellation);
        second.TakesWork = false;
        await UntilAsync(store, static owners => owners.Contains('-', StringComparison.Ordinal), "a", "b");
        await UntilOwnersAsync(store, "aaaaaaaa", "a", "b");
    }

    /// <summary>Counts what a member reads of partitions. It asks for the group, then reads, in rounds that may overlap.</summary>
    private sealed class CountingStore(IStreamStore inner) : StreamStoreWrapper(inner, leaveOpen: true)
    {
        private readonly AsyncLocal<StrongBox<int>?> round = new();
        private int reads, most;

        public int Reads => Volatile.Read(ref reads);

        public int MostInARound => Volatile.Read(ref most);

        public void Reset() => reads = most = 0;

        // Not async: the round is the caller's.
        public override ValueTask<GroupInfo?> FindGroupAsync(GroupId group, CancellationToken cancellation = default)
        {
            round.Value = new();
            return Inner.FindGroupAsync(group, cancellation);
        }

        public override ValueTask<IReadOnlyList<StateRow>> ReadStateAsync(GroupId group, int partition, string node,
            IReadOnlyList<string> keys, CancellationToken cancellation = default)
        {
            Interlocked.Increment(ref reads);
            if (round.Value is { } now)
            {
                int count = Interlocked.Increment(ref now.Value);
                for (int seen = MostInARound; seen < count; seen = MostInARound) Interlocked.CompareExchange(ref most, count, seen);
            }
            return base.ReadStateAsync(group, partition, node, keys, cancellation);
        }
    }
}
