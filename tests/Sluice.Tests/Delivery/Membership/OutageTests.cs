using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Tests.Delivery;

/// <summary>After an outage or a loss of the store, what was in flight starts again together: no process has died, so nothing is suspected
/// of a crash.</summary>
public class OutageTests
{
    private const int Items = 3;

    private readonly TestClock clock = new();
    private readonly TaskCompletionSource firstStarts = New(), allStarts = New();
    private int started;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <remarks>The store is away when a lease comes, and also when the partition is to be given back.</remarks>
    [Fact]
    public async Task ItemsStartTogetherAfterALongOutage()
    {
        await using var memory = new MemoryStreamStore(clock);
        var store = new AwayStore(memory);
        await using Consecutor<int> work = Make(store, starts: (2 * Items) + 1);
        await work.StartAsync(Cancellation);
        for (int n = 0; n < Items; n++) await work.SendAsync(n, Cancellation);
        await UntilAsync(() => Volatile.Read(ref started) == Items, work);
        store.Arm();
        await work.SendAsync(Items, Cancellation);
        await UntilAsync(() => Volatile.Read(ref started) == (2 * Items) + 1, work);
        Assert.Equal(0, work.Snapshot().Suspect);
        firstStarts.SetResult();
        await UntilAsync(() => work.Snapshot() is { IsIdle: true, Completed: Items + 1, Unaccounted: 0 }, work);
    }

    /// <remarks>The store refuses a commit as one that is ahead.</remarks>
    [Fact]
    public async Task ItemsStartTogetherAfterALoss()
    {
        await using var memory = new MemoryStreamStore(clock);
        var store = new AwayStore(memory) { HasLost = true };
        await using Consecutor<int> work = Make(store, starts: 2 * Items);
        await work.StartAsync(Cancellation);
        for (int n = 0; n < Items; n++) await work.SendAsync(n, Cancellation);
        await UntilAsync(() => Volatile.Read(ref started) == Items, work);
        firstStarts.SetResult();
        await UntilAsync(() => work.Snapshot() is { IsIdle: true, Completed: Items, Unaccounted: 0 }, work);
        Assert.NotNull(work.Snapshot().Loss);
    }

    /// <summary>The first starts wait for the test, the others until all of them have begun.</summary>
    private Consecutor<int> Make(IStreamStore store, int starts)
        => new("work", source => source.ForEachAsync(async (int _, ItemContext _, CancellationToken cancellation) =>
        {
            int number = Interlocked.Increment(ref started);
            if (number == starts) allStarts.SetResult();
            await (number <= Items ? firstStarts : allStarts).Task.WaitAsync(cancellation);
        }) | Stage.Parallel(16), Member.Options("one", store, clock) with { OnWarning = static _ => { } });

    private async Task UntilAsync(Func<bool> isSo, Consecutor<int> work)
    {
        var rounds = new Rounds(100_000);
        for (int i = 0; !isSo(); i++)
        {
            Assert.True(await rounds.GoOnAsync(), $"{started} starts: {work.Snapshot()}");
            if (i % 50 == 49) clock.Advance(TimeSpan.FromMilliseconds(20));
            await Member.NextAsync();
        }
    }

    private static TaskCompletionSource New() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Fails one lease, then the look at the group and two releases; or refuses the first commit.</summary>
    private sealed class AwayStore(IStreamStore inner) : StreamStoreWrapper(inner, leaveOpen: true)
    {
        private const int Failures = 3;

        private int left;
        private bool failsLease, hasRefused;

        public bool HasLost { get; init; }

        public void Arm()
        {
            Volatile.Write(ref left, Failures);
            Volatile.Write(ref failsLease, true);
        }

        public override ValueTask<LeaseResult> LeaseAsync(LeaseRequest request, CancellationToken cancellation = default)
            => Interlocked.Exchange(ref failsLease, false) ? throw new StreamStoreException("The store is away.")
                : base.LeaseAsync(request, cancellation);

        public override ValueTask<bool> ReleaseAsync(Ownership owner, CancellationToken cancellation = default)
            => IsAway() ? throw new StreamStoreException("The store is away.") : base.ReleaseAsync(owner, cancellation);

        public override ValueTask<GroupInfo?> FindGroupAsync(GroupId group, CancellationToken cancellation = default)
            => IsAway() ? throw new StreamStoreException("The store is away.") : base.FindGroupAsync(group, cancellation);

        public override ValueTask<CommitResult> CommitAsync(StoreCommit commit, CancellationToken cancellation = default)
            => HasLost && !Interlocked.Exchange(ref hasRefused, true) ? new(new CommitResult(CommitStatus.Gap, "It is ahead."))
                : base.CommitAsync(commit, cancellation);

        private bool IsAway()
            => !Volatile.Read(ref failsLease) && Volatile.Read(ref left) > 0 && Interlocked.Decrement(ref left) >= 0;
    }
}
