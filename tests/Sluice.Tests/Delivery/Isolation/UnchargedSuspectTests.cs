using System.Collections.Concurrent;
using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Tests.Delivery;

/// <summary>A suspect is charged for a crash only, not for a lease whose answer was lost and that could not be given back.</summary>
public class UnchargedSuspectTests
{
    private const int Items = 12;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public static TheoryData<int> Seeds => [.. Enumerable.Range(1, 20)];

    [Theory]
    [MemberData(nameof(Seeds))]
    public async Task ALostLeaseAnswerChargesNoSuspect(int seed)
    {
        var clock = new TestClock();
        await using var store = new MemoryStreamStore(clock);
        await store.OpenStreamAsync("work", new() { Partitions = 2 }, Cancellation);
        await store.AddGroupAsync(Member.Group, cancellation: Cancellation);
        using (var batch = new EntryBatch())
        {
            for (int n = 0; n < Items; n++) batch.Add("1"u8, EntryKey.Of($"{n}"));
            await store.AppendAsync(new("work", "sender", 0, 1, batch), Cancellation);
        }
        foreach (int partition in new[] { 0, 1 })    // a process that dies with all of it under way
        {
            AcquireResult taken = await store.AcquireAsync(Member.Group, partition, new("dead") { Instance = "dead1" }, Cancellation);
            await store.LeaseAsync(new([taken.Ownership]), Cancellation);
        }

        var attempts = new ConcurrentQueue<int>();
        var faulty = new FaultyStore(store, seed);
        await using var consecutor = new Consecutor<int>("work",
            source => source.ForEachAsync((int _, ItemContext item, CancellationToken _) =>
        {
            attempts.Enqueue(item.Attempt);
            return default;
        }), Member.Options("me", faulty, clock, partitions: 2) with { Delivery = DeliveryGuarantee.Replay(1, Backoff.None) });
        await consecutor.StartAsync(Cancellation);
        var rounds = new Rounds(100_000);
        while ((await store.FindStreamAsync("work", Cancellation))!.Groups[0].Outstanding > 0)
        {
            Assert.True(await rounds.GoOnAsync(), $"{consecutor.Snapshot()}");
            clock.Advance(TimeSpan.FromMilliseconds(200));
            for (int i = 0; i < 20; i++) await Member.NextAsync();
        }
        Assert.True(faulty.Lost > 0, "no answer was lost");
        Assert.All(attempts, attempt => Assert.Equal(1, attempt));
        Assert.Equal(Items, attempts.Count);
        Assert.Empty(await store.ListDeadAsync(Member.Group, cancellation: Cancellation));
        await UntilNoQuarantineAsync(store, clock);
    }

    /// <summary>The earlier instance died while it ran a suspect. Others see the member's heartbeats and must not wait for its
    /// quarantine.</summary>
    [Fact]
    public async Task AStartingMemberReleasesTheQuarantineOfItsEarlierInstance()
    {
        var clock = new TestClock();
        await using var store = new MemoryStreamStore(clock);
        await store.OpenStreamAsync("work", new() { Partitions = 2 }, Cancellation);
        await store.AddGroupAsync(Member.Group, cancellation: Cancellation);
        Assert.NotNull(await store.AcquireQuarantineAsync(Member.Group, "me", 0, Cancellation));
        await using var other = new Consecutor<int>("work", source => source.ForEach((int _) => { }),
            Member.Options("other", store, clock, 2));
        await other.StartAsync(Cancellation);
        Assert.Equal("me", (await store.FindGroupAsync(Member.Group, Cancellation))!.QuarantineOwner);
        await using var me = new Consecutor<int>("work", source => source.ForEach((int _) => { }), Member.Options("me", store, clock, 2));
        await me.StartAsync(Cancellation);
        Assert.Null((await store.FindGroupAsync(Member.Group, Cancellation))!.QuarantineOwner);
    }

    /// <summary>The lease of the only suspect fails, and the suspect is gone by then: nothing is leased in that quarantine again.</summary>
    [Fact]
    public async Task AFailedLeaseReleasesItsQuarantineWhenNoSuspectIsLeft()
    {
        var clock = new TestClock();
        await using var store = new MemoryStreamStore(clock);
        await store.OpenStreamAsync("work", new() { Partitions = 1 }, Cancellation);
        await store.AddGroupAsync(Member.Group, cancellation: Cancellation);
        using (var batch = new EntryBatch())
        {
            batch.Add("1"u8, EntryKey.Of("1"));
            await store.AppendAsync(new("work", "sender", 0, 1, batch), Cancellation);
        }
        AcquireResult dead = await store.AcquireAsync(Member.Group, 0, new("dead") { Instance = "dead1" }, Cancellation);
        await store.LeaseAsync(new([dead.Ownership]), Cancellation);

        var settling = new SettlingStore(store);
        await using var me = new Consecutor<int>("work", source => source.ForEach((int _) => { }),
            Member.Options("me", settling, clock, 1));
        await me.StartAsync(Cancellation);
        await settling.Settled.WaitAsync(Cancellation);
        await UntilNoQuarantineAsync(store, clock);
    }

    private static async Task UntilNoQuarantineAsync(MemoryStreamStore store, TestClock clock)
    {
        var rounds = new Rounds(10_000);
        while ((await store.FindGroupAsync(Member.Group, Cancellation))!.QuarantineOwner is not null)
        {
            Assert.True(await rounds.GoOnAsync(), "the quarantine of a lease that failed is held for ever");
            clock.Advance(TimeSpan.FromMilliseconds(200));
            for (int i = 0; i < 20; i++) await Member.NextAsync();
        }
    }

    /// <summary>Loses the answer to the first lease of a suspect, after it has settled the suspect.</summary>
    private sealed class SettlingStore(IStreamStore inner) : StreamStoreWrapper(inner, leaveOpen: true)
    {
        private readonly TaskCompletionSource settled = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task Settled => settled.Task;

        public override async ValueTask<LeaseResult> LeaseAsync(LeaseRequest request, CancellationToken cancellation = default)
        {
            LeaseResult lease = await Inner.LeaseAsync(request, cancellation);
            if (request.Quarantine is null || lease.Batches.Count == 0 || settled.Task.IsCompleted) return lease;
            await Inner.CommitAsync(new(request.Owned[0], 1) { Settled = [new(1, 1)] }, cancellation);
            settled.SetResult();
            throw new StreamStoreException("The answer is lost.");
        }
    }

    /// <summary>Loses answers to leases of suspects; the releases that follow fail for a while.</summary>
    private sealed class FaultyStore(IStreamStore inner, int seed) : StreamStoreWrapper(inner, leaveOpen: true)
    {
        private readonly Random random = new(seed);
        private int failing;

        public int Lost { get; private set; }

        public override async ValueTask<LeaseResult> LeaseAsync(LeaseRequest request, CancellationToken cancellation = default)
        {
            LeaseResult lease = await Inner.LeaseAsync(request, cancellation);
            if (request.Quarantine is null || lease.Batches.Count == 0) return lease;
            lock (random)
            {
                if (random.Next(2) == 0) return lease;
                Lost++;
                failing = random.Next(1, 4);
            }
            throw new StreamStoreException("The answer is lost.");
        }

        public override ValueTask<bool> ReleaseAsync(Ownership owner, CancellationToken cancellation = default)
        {
            lock (random)
                if (failing-- > 0) throw new StreamStoreException("The connection is cut.");
            return Inner.ReleaseAsync(owner, cancellation);
        }
    }
}
