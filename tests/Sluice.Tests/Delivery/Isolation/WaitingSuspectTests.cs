using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Tests.Delivery;

/// <summary>A member whose suspects wait for the quarantine of another member.</summary>
public class WaitingSuspectTests
{
    private readonly TestClock clock = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <remarks>A lease fails, and the partition comes back with a suspect. The store is healthy.</remarks>
    [Fact]
    public async Task AMemberThatWaitsAfterAFailedLeaseKeepsItsHeartbeat()
    {
        await using var memory = new MemoryStreamStore(clock);
        var store = new CrashingStore(memory);
        await using var one = new Consecutor<int>("work", static source => source | (static _ => { }),
            Member.Options("one", store, clock));
        await one.StartAsync(Cancellation);
        await memory.BeatAsync(Member.Group, "other", Cancellation);
        store.IsArmed = true;
        await one.SendAsync(1, Cancellation);
        await UntilAsync(memory, () => one.Snapshot().Suspect == 1, "there is no suspect");
        for (int third = 0; third < 9; third++)
        {
            long before = await Member.BeatsAsync(memory, "one");
            await memory.BeatAsync(Member.Group, "other", Cancellation);
            clock.Advance(Member.LeaseTime / 3);
            var looks = new Rounds(100_000);
            while (await Member.BeatsAsync(memory, "one") == before)
            {
                Assert.True(await looks.GoOnAsync(), $"silent after {third} thirds of the lease duration: {one.Snapshot()}");
                await Member.NextAsync();
            }
            await UntilAsync(memory,
                () => one.Snapshot().Problem?.Contains("and other runs one of its own", StringComparison.Ordinal) == true,
                "it does not say for whom it waits");
        }
        await memory.ReleaseQuarantineAsync(store.Held, Cancellation);
        await UntilAsync(memory, () => one.Snapshot() is { IsIdle: true, Completed: 1, Problem: null }, $"it waits on: {one.Snapshot()}");
    }

    /// <remarks>The answer to the acquisition of the quarantine is lost, and the partition with the suspects goes to a new member before
    /// the quarantine is asked for again.</remarks>
    [Fact]
    public async Task AQuarantineWithoutSuspectsIsGivenBackAlthoughItsAnswerWasLost()
    {
        await using var memory = new MemoryStreamStore(clock);
        await memory.OpenStreamAsync("work", new() { Partitions = 2 }, Cancellation);
        await memory.AddGroupAsync(Member.Group, cancellation: Cancellation);
        string key = Enumerable.Range(0, 100).Select(static n => $"{n}").First(static text => EntryKey.Of(text).PartitionOf(2) == 1);
        using (var batch = new EntryBatch())
        {
            batch.Add("1"u8, EntryKey.Of(key));
            await memory.AppendAsync(new("work", "sender", 0, 1, batch), Cancellation);
        }
        AcquireResult dead = await memory.AcquireAsync(Member.Group, 1, new("dead") { Instance = "dead1" }, Cancellation);
        await memory.LeaseAsync(new([dead.Ownership]), Cancellation);

        var store = new LostAnswerStore(memory);
        await using var one = new Consecutor<int>("work", static source => source | (static _ => { }),
            Member.Options("one", store, clock, 2));
        await one.StartAsync(Cancellation);
        await store.Asked.Task.WaitAsync(Cancellation);
        int done = 0;
        await using var two = new Consecutor<int>("work", source => source.ForEach((int _) => Interlocked.Increment(ref done)),
            Member.Options("two", memory, clock, 2));
        await two.StartAsync(Cancellation);
        var rounds = new Rounds(100_000);
        while ((await memory.FindGroupAsync(Member.Group, Cancellation))!.Partitions[1].Owner != "two")
        {
            Assert.True(await rounds.GoOnAsync(), $"the partition stays: {await Member.OwnersAsync(memory)}");
            await Member.BeatAsync(memory, clock, "one", "two");
        }
        store.Go.SetResult();
        rounds = new(100);
        while (Volatile.Read(ref done) == 0)
        {
            Assert.True(await rounds.GoOnAsync(), $"the suspect waits without end: {two.Snapshot()}");
            await Member.BeatAsync(memory, clock, "one", "two");     // the member that has the quarantine is not silent
        }
    }

    private async Task UntilAsync(MemoryStreamStore memory, Func<bool> isSo, string otherwise)
    {
        var rounds = new Rounds(100_000);
        for (int i = 0; !isSo(); i++)
        {
            Assert.True(await rounds.GoOnAsync(), otherwise);
            if (i % 50 == 49)
            {
                await memory.BeatAsync(Member.Group, "other", Cancellation);
                clock.Advance(TimeSpan.FromMilliseconds(20));
            }
            await Member.NextAsync();
        }
    }

    /// <summary>The answer to a lease is lost. Meanwhile another member has taken the partition and died, so its item is a suspect, and a
    /// third one has the quarantine.</summary>
    private sealed class CrashingStore(IStreamStore inner) : StreamStoreWrapper(inner, leaveOpen: true)
    {
        public volatile bool IsArmed;

        public Quarantine Held { get; private set; }

        public override async ValueTask<LeaseResult> LeaseAsync(LeaseRequest request, CancellationToken cancellation = default)
        {
            LeaseResult lease = await base.LeaseAsync(request, cancellation);
            if (!IsArmed || lease.Batches.Count == 0) return lease;
            IsArmed = false;
            await Inner.AcquireAsync(Member.Group, 0, new("dead") { Instance = "dead1" }, cancellation);
            Held = (await Inner.AcquireQuarantineAsync(Member.Group, "other", 0, cancellation))!.Value;
            throw new StreamStoreException("The store is away, as the test wants.");
        }
    }

    /// <summary>Acquires the quarantine, and loses the first answer when it is told to.</summary>
    private sealed class LostAnswerStore(IStreamStore inner) : StreamStoreWrapper(inner, leaveOpen: true)
    {
        public TaskCompletionSource Asked { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public TaskCompletionSource Go { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public override async ValueTask<Quarantine?> AcquireQuarantineAsync(GroupId group, string member, long expectedEpoch,
            CancellationToken cancellation = default)
        {
            Quarantine? taken = await base.AcquireQuarantineAsync(group, member, expectedEpoch, cancellation);
            if (!Asked.TrySetResult()) return taken;
            await Go.Task.WaitAsync(cancellation);
            throw new StreamStoreException("The answer is lost.");
        }
    }
}
