using System.Collections.Concurrent;
using Sluice.Diagnostics;
using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Tests.Delivery;

/// <summary>Partitions are lost and acquired again while their items are in flight: no item is lost, and each is counted once.</summary>
public class LostPartitionTests
{
    private readonly TestClock clock = new();
    private readonly ConcurrentQueue<int> started = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <remarks>The answer to a lease of two partitions is lost. Then the release of the first partition fails as well.</remarks>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task ALeaseWithALostAnswerIsGivenBackEvenIfAReleaseFails(bool hasKey)
    {
        await using var store = new LosingStore(new MemoryStreamStore(clock));
        await using var consecutor = new Consecutor<int>("work", source => source | (started.Enqueue),
            Member.Options("one", store, clock, 2))
        { Key = hasKey ? n => $"{n}" : null };
        await consecutor.StartAsync(Cancellation);
        store.FailsRelease = true;
        store.FailsLeaseOf = 1;
        for (int n = 0; n < 20; n++) await consecutor.SendAsync(n, Cancellation);
        ConsecutorSnapshot end = await IdleAsync(consecutor, consecutor.WaitForIdleAsync(Cancellation));
        Assert.True(end is { Accepted: 20, Completed: 20, Unaccounted: 0 }, $"{end}");
        // items that were in flight when the partitions were given up are started again
        Assert.Equal(Enumerable.Range(0, 20), started.Distinct().Order());
        Assert.False(store.FailsRelease);
    }

    /// <remarks>The partition comes back after the other member has completed its items. This member was busy all the time and has not seen
    /// them.</remarks>
    [Fact]
    public async Task ItemsCompletedByAnotherMemberCountWhenItsPartitionComesBack()
    {
        await using var store = new MemoryStreamStore(clock);
        var let = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using Consecutor<int> first = Make("one", let.Task), second = Make("two", Task.CompletedTask);
        await first.StartAsync(Cancellation);
        await second.StartAsync(Cancellation);
        await UntilOwnersAsync("one two", "one", "two");
        await first.SendAllAsync([.. Enumerable.Range(0, 20)], Cancellation);
        await Member.UntilAsync(() => first.Snapshot().InFlight > 0 && second.Snapshot() is { InFlight: 0, Completed: > 0 }
            && first.Snapshot().InFlight + second.Snapshot().Completed == 20);
        await second.StopAsync();
        await UntilOwnersAsync("one one", "one");
        let.SetResult();
        ConsecutorSnapshot end = await IdleAsync(first, first.WaitForIdleAsync(Cancellation));
        Assert.True(end is { Accepted: 20, Completed: 20, Unaccounted: 0 }, $"{end}");
        Assert.Equal(Enumerable.Range(0, 20), started.Order());

        Consecutor<int> Make(string name, Task gate)
            => new("work", source => source.ForEachAsync(async (int n, ItemContext _, CancellationToken cancellation) =>
        {
            await gate.WaitAsync(cancellation);
            started.Enqueue(n);
        }), Member.Options(name, store, clock, 2))
            { Key = static n => $"{n}" };

        async Task UntilOwnersAsync(string owners, params string[] living)
        {
            var rounds = new Rounds(1_000);
            while (string.Join(' ', (await store.FindGroupAsync(Member.Group,
                Cancellation))!.Partitions.Select(static partition => partition.Owner ?? "-").Order()) != owners)
            {
                Assert.True(await rounds.GoOnAsync(), await Member.OwnersAsync(store));
                await Member.BeatAsync(store, clock, living);
                for (int i = 0; i < 50; i++) await Member.NextAsync();
            }
        }
    }

    [Fact]
    public async Task ItemsSettledBeforeTheyStartCountOnceIfTheirPartitionIsLost()
    {
        await using var store = new LosingStore(new MemoryStreamStore(clock));
        var let = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var consecutor = new Consecutor<int>("work",
            source => source.ForEachAsync(async (int n, ItemContext _, CancellationToken cancellation) =>
        {
            started.Enqueue(n);
            if (n < 5) await let.Task.WaitAsync(cancellation);
        }) | Stage.Parallel(8), Member.Options("one", store, clock) with { Delivery = DeliveryGuarantee.None });
        await consecutor.StartAsync(Cancellation);
        for (int n = 0; n < 5; n++) await consecutor.SendAsync(n, Cancellation);
        await Member.UntilAsync(() => started.Count == 5);
        store.FailsLeaseOf = 0;
        await consecutor.SendAsync(5, Cancellation);
        await Member.UntilAsync(() => store.FailsLeaseOf < 0);
        let.SetResult();
        ConsecutorSnapshot end = await IdleAsync(consecutor, consecutor.WaitForIdleAsync(Cancellation));
        await consecutor.StopAsync();                // lets items end that were settled before they started
        end = consecutor.Snapshot();
        Assert.True(end is { Accepted: 6, Completed: 6, Pending: 0, InFlight: 0, Unaccounted: 0 }, $"{end}");
        Assert.Equal(Enumerable.Range(0, 6), started.Order());
    }

    /// <summary>A lease is settled in several commits, and the partition is lost before the second one: what is settled starts, and the
    /// rest comes again.</summary>
    [Fact]
    public async Task WhatIsSettledBeforeAPartitionIsLostStarts()
    {
        await using var store = new LosingStore(new MemoryStreamStore(clock));
        await using var consecutor = new Consecutor<int>("work", source => source | (started.Enqueue),
            Member.Options("one", store, clock) with { Delivery = DeliveryGuarantee.None, MaxInFlight = 2_000 });
        ConsecutorBatch<int> batch = await consecutor.OpenBatchAsync("day", Cancellation);       // each of its entries counts in a commit
        await batch.SendAllAsync(Enumerable.Range(0, 600), Cancellation);
        (store.CommitsUntilTaken, store.IsTakenBeforeCommit) = (1, true);
        await consecutor.StartAsync(Cancellation);
        ConsecutorSnapshot end = await IdleAsync(consecutor, consecutor.WaitForIdleAsync(Cancellation));
        Assert.False(store.IsTakenBeforeCommit);
        Assert.True(await consecutor.StopAsync());
        end = consecutor.Snapshot();
        Assert.True(end is { Accepted: 600, Completed: 600, InFlight: 0, Unaccounted: 0 }, $"{end}");
        Assert.Equal(Enumerable.Range(0, 600), started.Order());
    }

    [Fact]
    public async Task AnItemIsNotStartedUntilItsSettlingCommitSucceeds()
    {
        await using var store = new LosingStore(new MemoryStreamStore(clock));
        await using var consecutor = new Consecutor<int>("work", source => source | (started.Enqueue),
            Member.Options("one", store, clock) with { Delivery = DeliveryGuarantee.None });
        await consecutor.StartAsync(Cancellation);
        store.IsTakenBeforeCommit = true;
        await consecutor.SendAsync(1, Cancellation);
        ConsecutorSnapshot end = await IdleAsync(consecutor, consecutor.WaitForIdleAsync(Cancellation));
        Assert.True(end is { Accepted: 1, Completed: 1, Unaccounted: 0 }, $"{end}");
        Assert.Equal([1], started);
    }

    /// <remarks>A round that is too large for one commit runs in two parts; meanwhile its partition is given up.</remarks>
    [Fact]
    public async Task ACommitToBeSplitIsGivenUpIfItsPartitionIsLost()
    {
        await using var store = new LosingStore(new MemoryStreamStore(clock));
        await store.OpenStreamAsync("out", new() { Partitions = 1 }, Cancellation);
        var sink = new Copies();
        await using var consecutor = new Consecutor<int>("work", source => source | (Sink.Commit(() => sink) | Stage.Named("copies")),
            Member.Options("one", store, clock, 2))
        { Key = static n => $"{n}" };
        string[] keys = [.. Enumerable.Range(0, 100).Select(static n => $"{n}")];
        int[] here = [.. Enumerable.Range(0, 100).Where(n => EntryKey.Of(keys[n]).PartitionOf(2) == 0)],
            there = [.. Enumerable.Range(0, 100).Except(here)];
        await consecutor.SendAllAsync([here[0], here[1], here[2]], Cancellation);
        await consecutor.StartAsync(Cancellation);
        await sink.Begun.Task.WaitAsync(Cancellation);
        store.FailsLeaseOf = 1;
        await consecutor.SendAsync(there[0], Cancellation);
        await Member.UntilAsync(() => store.FailsLeaseOf < 0 && store.Releases == 2);
        sink.Let.SetResult();
        ConsecutorSnapshot end = await IdleAsync(consecutor, consecutor.WaitForIdleAsync(Cancellation));
        Assert.True(end is { Accepted: 4, Completed: 4, Unaccounted: 0 }, $"{end}");
        Assert.Equal(4 * Copies.Count, (await store.FindStreamAsync("out", Cancellation))!.Items);
    }

    /// <remarks>The commit of the third item is applied, and its answer is lost. Before the commit is sent again, its partition is given up
    /// and acquired again, with the second item, which waits for the first.</remarks>
    [Fact]
    public async Task ACommitWithALostAnswerCountsOnceIfThePartitionIsRetaken()
    {
        string[] keys = [.. Enumerable.Range(0, 100).Select(static n => $"{n}")];
        string[] here = [.. keys.Where(static key => EntryKey.Of(key).PartitionOf(2) == 0)], there = [.. keys.Except(here)];
        var ledger = new Ledger();
        await using var store = new LosingStore(new MemoryStreamStore(clock));
        await using var consecutor = new Consecutor<int>("work", source => source |
        [
            s => s | ledger.Sink<int>(),
            s => s | (n => { started.Enqueue(n); if (n == 1 && started.Count(static one => one == 1) == 1)
                throw new TimeoutException("not now"); }),
        ],
        Member.Options("one", store, clock, 2) with { Delivery = DeliveryGuarantee.Replay(1, Backoff.Constant(TimeSpan.FromHours(1))) })
        { Key = n => n < 3 ? here[0] : n == 3 ? here[1] : there[0] };
        await consecutor.SendAllAsync([1, 2], Cancellation);
        await consecutor.StartAsync(Cancellation);
        await Member.UntilAsync(() => consecutor.Snapshot() is { Retrying: 1, Parked: 1 });
        store.LosesAnswerToCommit = true;
        await consecutor.SendAsync(3, Cancellation);
        await Member.UntilAsync(() => !store.LosesAnswerToCommit);
        store.FailsLeaseOf = 1;
        await consecutor.SendAsync(4, Cancellation);
        await Member.UntilAsync(() => store.Releases == 2);
        for (int i = 0; i < 200; i++) await Member.NextAsync();          // it would take them now
        ConsecutorSnapshot end = await IdleAsync(consecutor, consecutor.WaitForIdleAsync(Cancellation), TimeSpan.FromMinutes(1));
        Assert.True(end is { Accepted: 4, Completed: 4, Unaccounted: 0 }, $"{end}");
        Assert.Equal(["1", "2", "3", "4"], ledger.Lines.Order());
    }

    /// <remarks>Commits fail and are repeated, and the partitions are to be acquired again once a commit is answered.</remarks>
    [Fact]
    public async Task AStopKeepsItsDeadlineWhileCommitsFail()
    {
        string[] keys = [.. Enumerable.Range(0, 100).Select(static n => $"{n}")];
        string here = keys.First(static key => EntryKey.Of(key).PartitionOf(2) == 0),
            there = keys.First(static key => EntryKey.Of(key).PartitionOf(2) == 1);
        await using var store = new LosingStore(new MemoryStreamStore(clock));
        ConsecutorOptions options = Member.Options("one", store, clock, 2);
        await using var consecutor = new Consecutor<int>("work", source => source | (started.Enqueue),
            options with { Run = options.Run with { StopTimeout = TimeSpan.FromDays(1) } })
        { Key = n => n == 1 ? here : there };
        await consecutor.StartAsync(Cancellation);
        store.FailsCommits = true;
        await consecutor.SendAsync(1, Cancellation);
        await Member.UntilAsync(() => store.Commits > 0);
        store.FailsLeaseOf = 1;
        await consecutor.SendAsync(2, Cancellation);
        await Member.UntilAsync(() => store.Releases == 2);
        for (int i = 0; i < 200; i++) await Member.NextAsync();          // it would wait now
        Task<bool> stop = consecutor.StopAsync(TimeSpan.FromSeconds(1));
        var rounds = new Rounds(2_000_000);
        for (int i = 0; !stop.IsCompleted; i++)
        {
            Assert.True(await rounds.GoOnAsync(), $"It does not stop: {consecutor.Snapshot()}");
            if (i % 50 == 49) clock.Advance(TimeSpan.FromSeconds(1));
            await Member.NextAsync();
        }
        Assert.False(await stop);
        Assert.DoesNotContain("one", await Member.OwnersAsync(store), StringComparison.Ordinal);
    }

    private async Task<ConsecutorSnapshot> IdleAsync(Consecutor<int> consecutor, Task<ConsecutorSnapshot> idle, TimeSpan? step = null)
    {
        var rounds = new Rounds(2_000_000);
        for (int i = 0; !idle.IsCompleted; i++)
        {
            Assert.True(await rounds.GoOnAsync(), $"It is still at it: {consecutor.Snapshot()}");
            if (i % 50 == 49) clock.Advance(step ?? TimeSpan.FromSeconds(1));
            await Member.NextAsync();
        }
        return await idle;
    }

    private sealed class Copies : TransactionalSink<int>
    {
        public const int Count = StoreCommit.MaxItems / 2;

        public TaskCompletionSource Begun { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public TaskCompletionSource Let { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        protected override ValueTask BeginAsync(SinkState state, CancellationToken cancellation) => default;

        protected override async ValueTask PrepareAsync(SinkCommit<int> commit, CancellationToken cancellation)
        {
            if (Begun.TrySetResult()) await Let.Task.WaitAsync(cancellation);
            var entries = new EntryBatch { Stream = "out" };
            foreach (StagedItem<int> item in commit.Items)
                for (int copy = 0; copy < Count; copy++) entries.Add([(byte)item.Value]);
            commit.Append(new("out", entries));
        }
    }
}
