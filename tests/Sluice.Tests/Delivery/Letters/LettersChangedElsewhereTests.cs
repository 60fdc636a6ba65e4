using Sluice.Diagnostics;
using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Tests.Delivery;

/// <summary>Another program, such as the command line, redrives and deletes letters of a running consecutor.</summary>
public class LettersChangedElsewhereTests
{
    private readonly TestClock clock = new();
    private bool isMended;
    private int calls;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task TheCountsFollowWithAHeartbeat()
    {
        await using IStreamStore store = await ScenarioStore.OpenAsync(clock);
        await using Consecutor<int> consecutor = Make(store);
        await FailAsync(consecutor, 4);
        Volatile.Write(ref isMended, true);

        Assert.Equal(1, await store.RedriveAsync(Member.Group, [1], Cancellation));
        await BeatUntilAsync(store, consecutor, new() { Accepted = 4, Completed = 1, Dead = 3 });
        Assert.Equal(1, await store.DeleteDeadAsync(Member.Group, [2], Cancellation));
        await BeatUntilAsync(store, consecutor, new() { Accepted = 4, Completed = 1, Dead = 2, Cancelled = 1 });
        Assert.Equal(2, await store.RedriveAsync(Member.Group, [3, 4], Cancellation));
        await BeatUntilAsync(store, consecutor, new() { Accepted = 4, Completed = 3, Cancelled = 1 });
    }

    /// <summary>The store fails between the two steps of an edit.</summary>
    [Fact]
    public async Task WhoEditsALetterIsToldThatItWasSentAndIsThere()
    {
        await using IStreamStore store = await ScenarioStore.OpenAsync(clock);
        await using Consecutor<int> consecutor = Make(store);
        await FailAsync(consecutor, 1);
        StoredDeadLetter letter = Assert.Single(await store.ListDeadAsync(Member.Group, cancellation: Cancellation));
        StreamStoreException told = await Assert.ThrowsAsync<StreamStoreException>(() => DeadLetterEditing.SendEditedAsync(
            new FailingDeletion(store), Member.Group, letter, "3"u8.ToArray(), Cancellation));
        Assert.StartsWith("The edited item was sent, and the letter 1 could not be deleted: away Discard it,", told.Message,
            StringComparison.Ordinal);
    }

    private sealed class FailingDeletion(IStreamStore inner) : StreamStoreWrapper(inner, leaveOpen: true)
    {
        public override ValueTask<int> DeleteDeadAsync(GroupId group, IReadOnlyList<long> numbers,
            CancellationToken cancellation = default) => throw new StreamStoreException("away");
    }

    [Fact]
    public async Task ALetterThatDiesAgainIsOneLetter()
    {
        await using IStreamStore store = await ScenarioStore.OpenAsync(clock);
        await using Consecutor<int> consecutor = Make(store);
        await FailAsync(consecutor, 2);

        Assert.Equal(1, await store.RedriveAsync(Member.Group, [1], Cancellation));
        await Member.UntilAsync(() => Volatile.Read(ref calls) == 3);
        await BeatUntilAsync(store, consecutor, new() { Accepted = 2, Dead = 2 });
    }

    /// <remarks>A call of the consecutor itself is counted once, also if heartbeats see what it did before it is counted.</remarks>
    [Fact]
    public async Task OwnChangesAreCountedOnce()
    {
        await using var store = new PausedAnswers(await ScenarioStore.OpenAsync(clock));
        await using Consecutor<int> consecutor = Make(store);
        await FailAsync(consecutor, 3);

        Task<int> deleting = consecutor.DeleteDeadLettersAsync(_ => true, Cancellation);
        await store.HasAnswered.WaitAsync(Cancellation);
        for (int beat = 0; beat < 3; beat++) await Member.BeatAsync(store, clock, "me");
        store.Resume();
        Assert.Equal(3, await deleting);
        Assert.Equal((0, 3), (consecutor.Snapshot().Dead, consecutor.Snapshot().Cancelled));
        await BeatUntilAsync(store, consecutor, new() { Accepted = 3, Cancelled = 3 });
    }

    /// <remarks>An item of another program is a reason to count all anew, which finds in the store what the call has done.</remarks>
    [Fact]
    public async Task OwnChangesAreCountedOnceBesideARecount()
    {
        await using var store = new PausedAnswers(await ScenarioStore.OpenAsync(clock));
        await using Consecutor<int> consecutor = Make(store), other = Make(store, name: "other");
        await FailAsync(consecutor, 3);

        Task<int> deleting = consecutor.DeleteDeadLettersAsync(_ => true, Cancellation);
        await store.HasAnswered.WaitAsync(Cancellation);
        await other.SendAsync(4, Cancellation);
        await Member.UntilAsync(consecutor, static now => now.Dead is 4 or 1);        // item 4 is committed
        for (int looks = store.Looks; store.Looks < looks + 4;) await Member.BeatAsync(store, clock, "me");      // a recount is over
        store.Resume();
        Assert.Equal(3, await deleting);
        await BeatUntilAsync(store, consecutor, new() { Accepted = 4, Dead = 1, Cancelled = 3 });
    }

    /// <remarks>The start counts what the store has, and the call has its answer after that.</remarks>
    [Fact]
    public async Task OwnChangesAreCountedOnceBesideTheStart()
    {
        await using var store = new PausedAnswers(await ScenarioStore.OpenAsync(clock));
        await using (Consecutor<int> before = Make(store))
        {
            await FailAsync(before, 3);
            Assert.True(await before.StopAsync());
        }
        await using Consecutor<int> consecutor = Make(store);
        Task<int> deleting = consecutor.DeleteDeadLettersAsync(_ => true, Cancellation);
        await store.HasAnswered.WaitAsync(Cancellation);
        await consecutor.StartAsync(Cancellation);
        store.Resume();
        Assert.Equal(3, await deleting);
        await BeatUntilAsync(store, consecutor, new() { Accepted = 3, Cancelled = 3 });
    }

    /// <remarks>The snapshot had "dead -2".</remarks>
    [Fact]
    public async Task LettersThatAreChangedBeforeTheStartAreNotMissing()
    {
        await using IStreamStore store = await ScenarioStore.OpenAsync(clock);
        await using (Consecutor<int> before = Make(store))
        {
            await FailAsync(before, 3);
            Assert.True(await before.StopAsync());
        }
        Volatile.Write(ref isMended, true);
        await using Consecutor<int> consecutor = Make(store);
        Assert.Equal(2, await consecutor.DeleteDeadLettersAsync(static letter => letter.Number < 3, Cancellation));
        Assert.Equal((0, 0), (consecutor.Snapshot().Dead, consecutor.Snapshot().Cancelled));
        Assert.Equal(1, await consecutor.RedriveAsync(static _ => true, Cancellation));
        Assert.Equal((0, 1, 0), (consecutor.Snapshot().Dead, consecutor.Snapshot().Pending, consecutor.Snapshot().Unaccounted));
        Assert.Contains("has not been started", (await Assert.ThrowsAsync<InvalidOperationException>(
            () => consecutor.WaitForIdleAsync(Cancellation))).Message, StringComparison.Ordinal);
        await consecutor.StartAsync(Cancellation);
        await BeatUntilAsync(store, consecutor, new() { Accepted = 3, Completed = 1, Cancelled = 2 });
    }

    /// <remarks>The letters that a commit deletes above the limit, as a heartbeat sees them: the 34 that were counted are 32.</remarks>
    [Fact]
    public async Task LettersAboveTheLimitAreCountedOnce()
    {
        await using var store = new PausedAnswers(await ScenarioStore.OpenAsync(clock));
        await using Consecutor<int> consecutor = Make(store, DeliveryGuarantee.Track(32));
        await FailAsync(consecutor, 34);                                 // a sixteenth more than the limit

        await consecutor.SendAsync(35, Cancellation);
        await store.HasAnswered.WaitAsync(Cancellation);
        for (int beat = 0; beat < 3; beat++)
        {
            await Member.BeatAsync(store, clock, "me");
            for (int i = 0; i < 20; i++) await Member.PollAsync();
        }
        ConsecutorSnapshot meanwhile = consecutor.Snapshot();            // a recount would mend it later
        store.Resume();
        Assert.Equal((34, 0), (meanwhile.Dead, meanwhile.Cancelled));
        await BeatUntilAsync(store, consecutor, new() { Accepted = 35, Dead = 32, Cancelled = 3 });
    }

    /// <remarks>No heartbeat has told the consecutor that the letters are gone: it must not delete those that come next.</remarks>
    [Fact]
    public async Task LettersUnderTheLimitAreKeptAfterAnotherProgramHasDeletedSome()
    {
        await using IStreamStore store = await ScenarioStore.OpenAsync(clock);
        await using Consecutor<int> consecutor = Make(store, DeliveryGuarantee.Track(32));
        await FailAsync(consecutor, 34);                                 // a sixteenth more than the limit
        Assert.Equal(34, await store.DeleteDeadAsync(Member.Group, [.. Enumerable.Range(1, 34)], Cancellation));

        for (int item = 35; item < 40; item++)
        {
            await consecutor.SendAsync(item, Cancellation);
            await consecutor.WaitForIdleAsync(Cancellation);
        }
        Assert.Equal([35, 36, 37, 38, 39], (await store.ListDeadAsync(Member.Group, null, 0, 100, Cancellation)).Select(one => one.Number));
        await BeatUntilAsync(store, consecutor, new() { Accepted = 39, Dead = 5, Cancelled = 34 });
    }

    private Consecutor<int> Make(IStreamStore store, DeliveryGuarantee? delivery = null, string name = "me") => new("work",
        source => source | Try | (_ => { }),
        Member.Options(name, store, clock) with { Delivery = delivery ?? DeliveryGuarantee.Replay(0) });

    private int Try(int number)
    {
        Interlocked.Increment(ref calls);
        return Volatile.Read(ref isMended) ? number : throw new FormatException("no good");
    }

    private static async Task FailAsync(Consecutor<int> consecutor, int count)
    {
        await consecutor.StartAsync(Cancellation);
        await consecutor.SendAllAsync(Enumerable.Range(1, count), Cancellation);
        Assert.Equal(count, (await consecutor.WaitForIdleAsync(Cancellation)).Dead);
    }

    // Sends heartbeats until the counts are as expected; forever if they never are.
    private async Task BeatUntilAsync(IStreamStore store, Consecutor<int> consecutor, Counts expected)
    {
        ConsecutorSnapshot snapshot;
        do
        {
            await Member.BeatAsync(store, clock, "me");
            for (int i = 0; i < 20; i++) await Member.PollAsync();
            snapshot = consecutor.Snapshot();
        }
        while (!snapshot.IsIdle || Of(snapshot) != expected);

        static Counts Of(ConsecutorSnapshot snapshot) => new()
        {
            Accepted = snapshot.Accepted,
            Completed = snapshot.Completed,
            Dead = snapshot.Dead,
            Cancelled = snapshot.Cancelled
        };
    }

    /// <summary>A store whose answers to deletions come late.</summary>
    private sealed class PausedAnswers(IStreamStore inner) : StreamStoreWrapper(inner)
    {
        private readonly TaskCompletionSource resumed = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private int looks;

        public SemaphoreSlim HasAnswered { get; } = new(0);

        /// <summary>How often the counts of the stream were read.</summary>
        public int Looks => Volatile.Read(ref looks);

        public void Resume() => resumed.SetResult();

        public override ValueTask<StreamInfo?> FindStreamAsync(string stream, CancellationToken cancellation = default)
        {
            Interlocked.Increment(ref looks);
            return base.FindStreamAsync(stream, cancellation);
        }

        public override async ValueTask<int> DeleteDeadAsync(GroupId group, IReadOnlyList<long> numbers,
            CancellationToken cancellation = default)
        {
            int deleted = await Inner.DeleteDeadAsync(group, numbers, cancellation);
            HasAnswered.Release();
            await resumed.Task;
            return deleted;
        }
    }

    private readonly record struct Counts
    {
        public long Accepted { get; init; }

        public long Completed { get; init; }

        public long Dead { get; init; }

        public long Cancelled { get; init; }
    }
}
