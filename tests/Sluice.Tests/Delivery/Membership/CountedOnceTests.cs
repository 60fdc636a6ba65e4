using Sluice.Delivery;
using Sluice.Diagnostics;
using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Tests.Delivery;

/// <summary>What is done in the store and not yet counted when the counts are read from the store: it is counted once in the end.</summary>
public class CountedOnceTests
{
    private readonly TestClock clock = new();
    private readonly Rounds rounds = new(1_000);     // the store forgets a sender after a month

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <summary>The store has an item whose answer was lost, and the start finds it before the sender repeats its call.</summary>
    [Fact]
    public async Task AnItemThatIsRepeatedBesideTheStartIsCountedOnce()
    {
        await using var store = new LateStore(new MemoryStreamStore(clock)) { LosesAppend = true };
        await using var work = new Consecutor<int>("work", static source => source | (static _ => { }), Member.Options("me", store, clock));
        Task sending = work.SendAsync(1, Cancellation).AsTask();
        while (store.LosesAppend) await Member.NextAsync();
        await work.StartAsync(Cancellation);             // the clock stands still: no second try yet
        Assert.Equal(1, work.Snapshot().Accepted);
        while (!sending.IsCompleted) await AdvanceAsync();
        await sending;
        ConsecutorSnapshot end = await IdleAsync(work);
        Assert.Equal((1L, 1L, 0L), (end.Accepted, end.Completed, end.Unaccounted));
    }

    /// <summary>A redrive fails, others delete letters meanwhile, and the repeated call finds them gone.</summary>
    [Fact]
    public async Task LettersThatOthersDeleteBesideARepeatedRedriveAreNotPending()
    {
        await using var store = new LateStore(new MemoryStreamStore(clock));
        bool isMended = false;
        await using var work = new Consecutor<int>("work", source => source | (_ =>
        {
            if (!Volatile.Read(ref isMended)) throw new FormatException("no good");
        }), Member.Options("me", store, clock) with { Delivery = DeliveryGuarantee.Replay(0) });
        await work.StartAsync(Cancellation);
        await work.SendAllAsync([1, 2, 3], Cancellation);
        Assert.Equal(3, (await work.WaitForIdleAsync(Cancellation)).Dead);
        Volatile.Write(ref isMended, true);
        store.FailsRedrive = true;
        Task<int> redriving = work.RedriveAsync(_ => true, Cancellation);
        while (store.FailsRedrive) await Member.NextAsync();
        Assert.Equal(2, await store.DeleteDeadAsync(Member.Group, [1, 2], Cancellation));
        while (!redriving.IsCompleted) await AdvanceAsync();
        ConsecutorSnapshot end = await IdleAsync(work);
        Assert.Equal((3L, 1L, 0L, 2L, 0L), (end.Accepted, end.Completed, end.Dead, end.Cancelled, end.Unaccounted));
    }

    /// <summary>The entries are in the transaction of the caller, which commits after a heartbeat has counted everything.</summary>
    [Fact]
    public async Task ItemsOfATransactionThatCommitsAfterARecountAreAwaited()
    {
        await using var store = new LateStore(new MemoryStreamStore(clock));
        await using var work = new Consecutor<int>("work", static source => source | (static _ => { }), Member.Options("me", store, clock));
        await work.StartAsync(Cancellation);
        await work.SendEntriesAsync([1], static _ => Task.FromResult(new SendResult(SendStatus.Accepted, 0)), Cancellation);
        for (int looks = store.Looks; store.Looks == looks;) await Member.BeatAsync(store, clock, "me");         // a recount
        for (int i = 0; i < 3; i++) await Member.BeatAsync(store, clock, "me");                                  // has ended
        store.HoldsLeases = true;
        await using Consecutor<int> other = new("work", static source => source | (static _ => { }), Member.Options("other", store, clock));
        await other.SendAsync(1, Cancellation);         // in the store, and nothing of it is told to the first
        Task<ConsecutorSnapshot> idle = work.WaitForIdleAsync(Cancellation);
        for (int i = 0; i < 2_000; i++) await Member.NextAsync();
        Assert.False(idle.IsCompleted, "It did not wait for the item.");
        store.Release();
        Assert.Equal((1L, 1L), ((await idle).Accepted, (await idle).Completed));
    }

    [Fact]
    public void NoRecountAndNoComparisonCountsAChangeThatIsUnderWay()
    {
        var ledger = new ItemLedger();
        ledger.Accept(2);
        LedgerChange change = ledger.BeginChange(isOfLetters: false);
        Assert.False(ledger.TryLoad(ledger.Moves, [], 3, 3, default, 0));
        ledger.Compare(2, 3);
        Assert.Equal(2, Count().Pending);
        Assert.True(ledger.EndChange(change));
        Assert.True(ledger.TryLoad(ledger.Moves, [], 3, 3, default, 0));
        Assert.Equal(3, Count().Pending);

        change = ledger.BeginChange(isOfLetters: true);
        Assert.Null(ledger.LetterMoves);
        ledger.Load(3, 2, default, 1, 0, 0, 0);          // a start counts in any case
        Assert.False(ledger.EndChange(change));
        Assert.NotNull(ledger.LetterMoves);

        ConsecutorSnapshot Count() => ledger.Snapshot("work", ConsecutorStatus.Running, null, null, null);
    }

    [Fact]
    public void AnItemThatFailsBehindItsSettlementStaysCancelled()
    {
        var ledger = new ItemLedger();
        ledger.Load(2, 0, new(2, 0, 0), 0, 0, 0, 0);     // both were settled before their start
        ledger.FailFree();
        Assert.True(ledger.TryLoad(ledger.Moves, [], 2, 0, new(2, 0, 0), 0));
        ConsecutorSnapshot now = ledger.Snapshot("work", ConsecutorStatus.Running, null, null, null);
        Assert.Equal((1, 1, 0), (now.Completed, now.Cancelled, now.Unaccounted));
    }

    private async Task AdvanceAsync()
    {
        Assert.True(await rounds.GoOnAsync(), "It is still at it.");
        clock.Advance(TimeSpan.FromMilliseconds(100));
        await Member.NextAsync();
    }

    private async Task<ConsecutorSnapshot> IdleAsync(Consecutor<int> work)
    {
        Task<ConsecutorSnapshot> idle = work.WaitForIdleAsync(Cancellation);
        while (!idle.IsCompleted) await AdvanceAsync();
        return await idle;
    }

    private sealed class LateStore(IStreamStore inner) : StreamStoreWrapper(inner)
    {
        private readonly TaskCompletionSource released = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private int looks;

        /// <summary>Whether the answer to the next append is lost.</summary>
        public bool LosesAppend { get; set; }

        /// <summary>Whether the next redrive fails, and does nothing.</summary>
        public bool FailsRedrive { get; set; }

        public bool HoldsLeases { get; set; }

        /// <summary>How often the counts of the stream were read.</summary>
        public int Looks => Volatile.Read(ref looks);

        public void Release() => released.SetResult();

        public override ValueTask<StreamInfo?> FindStreamAsync(string stream, CancellationToken cancellation = default)
        {
            Interlocked.Increment(ref looks);
            return base.FindStreamAsync(stream, cancellation);
        }

        public override async ValueTask<AppendResult> AppendAsync(AppendRequest request, CancellationToken cancellation = default)
        {
            AppendResult result = await base.AppendAsync(request, cancellation);
            if (!LosesAppend) return result;
            LosesAppend = false;
            throw new StreamStoreException("The answer was lost.");
        }

        public override async ValueTask<int> RedriveAsync(GroupId group, IReadOnlyList<long> numbers,
            CancellationToken cancellation = default)
        {
            if (!FailsRedrive) return await base.RedriveAsync(group, numbers, cancellation);
            FailsRedrive = false;
            throw new StreamStoreException("away");
        }

        public override async ValueTask<LeaseResult> LeaseAsync(LeaseRequest request, CancellationToken cancellation = default)
        {
            // Looked at behind the call: a lease that was under way before may give out the item, too.
            LeaseResult lease = await base.LeaseAsync(request, cancellation);
            if (HoldsLeases) await released.Task.WaitAsync(cancellation);
            return lease;
        }
    }
}
