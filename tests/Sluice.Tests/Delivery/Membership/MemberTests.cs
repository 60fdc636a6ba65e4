using System.Collections.Concurrent;
using Sluice.Diagnostics;
using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Tests.Delivery;

/// <summary>Which member owns a partition when a member falls silent, or only seems to. (The starved thread pool is tested in a process of
/// its own: FaultTests of the torture.)</summary>
public class MemberTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(-1)]
    [InlineData(0)]
    [InlineData(1)]
    public async Task ASilentMemberIsReplacedAfterALeaseDurationDespiteClockJumps(int hours)
    {
        TestClock steps = new();
        var wall = new WallClock(steps);
        await using var store = new MemoryStreamStore(wall);
        var begun = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var done = new ConcurrentQueue<(int, int)>();
        var silent = new Consecutor<int>("work", source =>
            source.ForEachAsync(async (int _, ItemContext _, CancellationToken cancellation) =>
        {
            begun.TrySetResult();
            await Task.Delay(Timeout.InfiniteTimeSpan, cancellation);
        }), Member.Options("silent", store, wall));
        await silent.StartAsync(Cancellation);
        await using var other = new Consecutor<int>("work", source => source.ForEachAsync((int n, ItemContext item, CancellationToken _) =>
        {
            done.Enqueue((n, item.Attempt));
            return default;
        }), Member.Options("other", store, wall));
        await other.StartAsync(Cancellation);
        await Member.BeatAsync(store, steps, "silent", "other");
        await Member.BeatAsync(store, steps, "silent", "other");           // seen by both, whoever was first in a round
        await silent.SendAsync(7, Cancellation);
        await begun.Task;
        await silent.AbandonAsync();

        for (int round = 0; round < 2; round++)
        {
            wall.Jump(TimeSpan.FromHours(hours));
            await Member.BeatAsync(store, steps, "other");
            Assert.Equal("silent:1", await Member.OwnersAsync(store));
        }
        for (int round = 0; round < 2; round++) await Member.BeatAsync(store, steps, "other");
        ConsecutorSnapshot end = await IdleAsync(other);
        Assert.Equal((1L, 1L, 0L), (end.Accepted, end.Completed, end.Unaccounted));
        Assert.Equal([(7, 1)], done);                // by the remaining member, and the item was not charged
        Assert.Equal("other:2", await Member.OwnersAsync(store));
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(1)]
    public async Task AMemberWithHeartbeatsKeepsItsPartitionsDespiteClockJumps(int hours)
    {
        TestClock steps = new();
        var wall = new WallClock(steps);
        await using var store = new MemoryStreamStore(wall);
        await using var first = new Consecutor<int>("work", source => source | (_ => { }), Member.Options("first", store, wall));
        await using var second = new Consecutor<int>("work", source => source | (_ => { }), Member.Options("second", store, wall));
        await first.StartAsync(Cancellation);
        await second.StartAsync(Cancellation);
        for (int round = 0; round < 12; round++)
        {
            wall.Jump(TimeSpan.FromHours(round % 2 == 0 ? hours : -hours));
            await Member.BeatAsync(store, steps, "first", "second");
        }
        Assert.Equal("first:1", await Member.OwnersAsync(store));
    }

    [Fact]
    public async Task ADeadMemberIsRemovedFromTheGroupInTheEnd()
    {
        TestClock clock = new();
        await using var store = new MemoryStreamStore(clock);
        var dead = new Consecutor<int>("work", source => source | (_ => { }), Member.Options("dead", store, clock));
        await dead.StartAsync(Cancellation);
        await using var idle = new Consecutor<int>("work", source => source | (_ => { }), Member.Options("idle", store, clock));
        await idle.StartAsync(Cancellation);
        await using var other = new Consecutor<int>("work", source => source | (_ => { }), Member.Options("other", store, clock));
        await other.StartAsync(Cancellation);
        for (int round = 0; round < 40; round++) await Member.BeatAsync(store, clock, "dead", "idle", "other");
        Assert.Equal(["dead", "idle", "other"], await NamesAsync());
        await dead.AbandonAsync();

        int beaten = 0;
        for (; beaten < 25; beaten++) await Member.BeatAsync(store, clock, "idle", "other");
        while ((await Member.OwnersAsync(store)).Contains("dead", StringComparison.Ordinal)) await Member.NextAsync();
        Assert.Equal(["dead", "idle", "other"], await NamesAsync());           // it may come back
        for (; beaten < 35; beaten++) await Member.BeatAsync(store, clock, "idle", "other");
        Assert.Equal(["idle", "other"], await NamesAsync());

        async Task<IEnumerable<string>> NamesAsync()
            => (await store.FindGroupAsync(Member.Group, Cancellation))!.Members.Select(member => member.Name)
            .Order(StringComparer.Ordinal);
    }

    /// <remarks>While other members own partitions, the member asks the store for their progress; here the store does not answer.</remarks>
    [Fact]
    public async Task WaitForIdleLooksAgainOnceTheMemberOwnsAllPartitions()
    {
        TestClock clock = new();
        await using var store = new MemoryStreamStore(clock);
        var dead = new Consecutor<int>("work", source => source | (_ => { }), Member.Options("dead", store, clock));
        await dead.StartAsync(Cancellation);
        var blind = new BlindStore(store);
        await using var other = new Consecutor<int>("work", source => source | (_ => { }), Member.Options("other", blind, clock));
        await other.StartAsync(Cancellation);
        await dead.AbandonAsync();
        blind.IsBlind = true;
        Task<ConsecutorSnapshot> idle = other.WaitForIdleAsync(Cancellation);
        var rounds = new Rounds(5_000);
        while (!idle.IsCompleted)
        {
            Assert.True(await rounds.GoOnAsync(), $"It has {await Member.OwnersAsync(store)}, and waits.");
            await Member.BeatAsync(store, clock, "other");
            await Member.NextAsync();
            blind.IsBlind = !(await Member.OwnersAsync(store)).Contains("other", StringComparison.Ordinal);
        }
        Assert.True((await idle).IsIdle);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task AMemberWhoseCommitsAreNotAnsweredFallsSilentAndIsReplaced(bool hangs)
    {
        TestClock clock = new();
        await using var store = new MemoryStreamStore(clock);
        var broken = new BrokenCommits(store, hangs);
        var done = new ConcurrentQueue<(string, int)>();
        await using Consecutor<int> sick = New("sick", broken), sound = New("sound", store);
        await sick.StartAsync(Cancellation);
        await sound.StartAsync(Cancellation);
        await sick.SendAsync(7, Cancellation);
        await broken.Called;
        using var mending = new Mending(broken);        // or it could not be stopped if something here fails
        for (int round = 0; round < 3; round++)
        {
            await Member.BeatAsync(store, clock, round < 2 ? ["sick", "sound"] : ["sound"]); // a lease time, in which commits may come back
            Assert.Equal("sick:1", await Member.OwnersAsync(store));
        }
        var rounds = new Rounds(1_000);
        while ((await Member.OwnersAsync(store)).Contains("sick", StringComparison.Ordinal))
        {
            Assert.True(await rounds.GoOnAsync(), "No member has taken over the partition.");
            await Member.BeatAsync(store, clock, "sound");
            await Task.Yield();
        }
        ConsecutorSnapshot end = await IdleAsync(sound);
        Assert.Equal((1L, 1L, 0L), (end.Accepted, end.Completed, end.Unaccounted));
        Assert.Equal([("sick", 1), ("sound", 1)], done);
        long beats = await Member.BeatsAsync(store, "sick");

        // Its commit is refused: the member owns no partition any more, and sends heartbeats again.
        broken.Mend();
        while (await Member.BeatsAsync(store, "sick") == beats) await Member.BeatAsync(store, clock, "sound");
        await Member.UntilAsync(() => sick.Snapshot() is { InFlight: 0, Unaccounted: 0 });
        Assert.Equal("sound:2", await Member.OwnersAsync(store));
        Assert.Equal(2, done.Count);

        Consecutor<int> New(string name, IStreamStore itsStore)
            => new("work", source => source.ForEachAsync((int _, ItemContext item, CancellationToken _) =>
        {
            done.Enqueue((name, item.Attempt));
            return default;
        }), Member.Options(name, itsStore, clock));
    }

    /// <summary>Items of other members are counted with the next heartbeat; here all items have ended.</summary>
    private static async Task<ConsecutorSnapshot> IdleAsync(Consecutor<int> consecutor)
    {
        await Member.UntilAsync(() => consecutor.Snapshot() is { IsIdle: true, Completed: > 0 });
        return consecutor.Snapshot();
    }

    private sealed class BlindStore(IStreamStore inner) : StreamStoreWrapper(inner, leaveOpen: true)
    {
        public volatile bool IsBlind;

        public override ValueTask<StreamInfo?> FindStreamAsync(string stream, CancellationToken cancellation = default)
            => IsBlind ? throw new StreamStoreException("The connection is cut.") : base.FindStreamAsync(stream, cancellation);
    }

    private sealed class Mending(BrokenCommits broken) : IDisposable
    {
        public void Dispose() => broken.Mend();
    }

    /// <summary>A connection that does everything but commits, until it is mended.</summary>
    private sealed class BrokenCommits(IStreamStore inner, bool hangs) : StreamStoreWrapper(inner, leaveOpen: true)
    {
        private readonly TaskCompletionSource called = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly TaskCompletionSource mended = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task Called => called.Task;

        public void Mend() => mended.TrySetResult();

        public override async ValueTask<CommitResult> CommitAsync(StoreCommit commit, CancellationToken cancellation = default)
        {
            called.TrySetResult();
            if (hangs) await mended.Task.WaitAsync(cancellation);
            if (!mended.Task.IsCompleted) throw new StreamStoreException("The connection is dead.");
            return await Inner.CommitAsync(commit, cancellation);
        }
    }
}
