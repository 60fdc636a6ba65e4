namespace Sluice;

/// <summary>Takes partitions, gives those that are too many to others, beats, and notices who is silent.</summary>
/// <remarks>
/// Silence is judged by this process's own monotonic clock: heartbeats that have not changed for the lease duration that they carry. The hearts of the process have a thread of their own, which does nothing
/// but beat: what follows from it is done elsewhere. It stops while the store takes no commits, or gives out nothing of what is its own, for a lease time, so that
/// others can; when the answer comes after all, it beats at once: the next regular beat may come too late.
/// </remarks>
internal sealed partial class GroupMembership
{
    private readonly ConsecutorCore core;
    private readonly MemberWatch others;
    private readonly Membership membership;
    private readonly PartitionAcquirer taker;
    private readonly PartitionBalancer share;
    private readonly AsyncLock taking = new();
    private HeartbeatTimer? heart;
    private Seen? latest;                            // what the last beat has shown, until it was looked at
    private int isTaking;
    private volatile bool isOverdue;                 // a beat was not made
    private volatile int partitions;                 // how many there are; zero if that is not known
    private readonly CancellationTokenSource leaving;

    public GroupMembership(ConsecutorCore core)
    {
        this.core = core;
        others = new(core.Time);
        membership = new(core.Store, core.Group, Self, Instance, core.Options.LeaseDuration, core.Time);
        (taker, share) = (new(core), new(core, others));
        leaving = CancellationTokenSource.CreateLinkedTokenSource(core.Life);
    }

    private string Self => core.Options.InstanceId;

    /// <summary>By how much this machine's clock and the store's differed at the start; null if they agreed.</summary>
    public string? ClockSkew { get; private set; }

    /// <summary>Which start of its member this is.</summary>
    public MemberInstance Instance { get; } = new();

    private bool IsCommitless => core.Commits.Silence >= core.Options.LeaseDuration;
    private bool IsAiling => IsCommitless || core.Leases.Silence >= core.Options.LeaseDuration;

    /// <summary>Whether the store may know what the books do not: some partitions are not this member's, or they were somebody else's, or a commit was void that others may have built upon, or somebody else has sent under a name that is ours now.</summary>
    private bool MayBeBehind => heart is not null && (taker.IsInDoubt || core.Owned.Length < partitions);

    /// <summary>Whether it has joined, with the partitions that it began with.</summary>
    public bool HasStarted => heart is not null;

    public bool IsSilent(string member) => others.IsSilent(member);

    /// <summary>Opens the stream and the group, joins, and takes what nobody else has. The books begin with what the store says.</summary>
    public async Task StartAsync(CancellationToken cancellation)
    {
        await core.OpenAsync(cancellation).ConfigureAwait(false);
        ClockSkew = await Sluice.ClockSkew.TellAsync(core.Store, core.Given, core.Time, core.Warn, cancellation).ConfigureAwait(false);
        await taking.EnterAsync(cancellation).ConfigureAwait(false);          // a sender may have noticed that the store has lost something: one load after the other
        try
        {
            core.Own(await LoadAsync(joins: true, cancellation).ConfigureAwait(false));
            TimeSpan interval = core.Options.LeaseDuration / 3;
            heart = new(core.Time, interval < TimeSpan.FromDays(1) ? interval : TimeSpan.FromDays(1), BeatAsync, failure => core.Failed?.Invoke(failure));
            core.Commits.Answered = core.Leases.Answered = MakeUp;
        }
        finally
        {
            taking.Leave();
        }
    }

    /// <summary>A lease has failed, and nobody knows what of it was done: gives everything back, and takes it anew.</summary>
    /// <returns>Whether the store has answered; else it is to be done again.</returns>
    public async Task<bool> ReloadAsync()
    {
        try
        {
            OwnedPartition[] owned = core.Owned;
            foreach (OwnedPartition partition in owned) core.Lose(partition);          // all of them first: if the next call fails, all that this member has in the store is found by the next attempt, or the next beat, and taken anew
            foreach (OwnedPartition partition in owned) await core.Store.ReleaseAsync(partition.Owner, core.Life).ConfigureAwait(false);
            GroupInfo group = await membership.BeatAndLookAsync(core.Life).ConfigureAwait(false);
            See(group);                              // or a member that has just come would count as silent
            await TakeFreeAsync(group).ConfigureAwait(false);
            return true;
        }
        catch (Exception e) when (!core.Life.IsCancellationRequested)
        {
            core.Problem = $"The store does not answer: {FailureText.Of(e)}";
            return false;
        }
    }

    /// <summary>Gives back a partition and its leased items that were not started, and takes it anew. Does nothing while an item of the partition is in flight.</summary>
    public async Task RenewAsync(OwnedPartition partition)
    {
        await taking.EnterAsync(core.Life).ConfigureAwait(false);
        try
        {
            if (leaving.IsCancellationRequested || !core.Books.TryVoid(partition, core.Epochs is { } epochs ? epochs.IsResting : null)) return;
            core.Lose(partition);
            await core.Store.ReleaseAsync(partition.Owner, core.Life).ConfigureAwait(false);
        }
        finally
        {
            taking.Leave();
        }
        if (await core.Store.FindGroupAsync(core.Group, core.Life).ConfigureAwait(false) is { } group) await TakeFreeAsync(group).ConfigureAwait(false);
    }

    /// <summary>Gives back the leases that this member lost, so that their items do not become suspect. If the store does not answer, they do.</summary>
    public async Task TryReleaseAsync(OwnedPartition partition)
    {
        try
        {
            await core.Store.ReleaseAsync(partition.Owner, core.Life).ConfigureAwait(false);
        }
        catch (StreamStoreException e)
        {
            core.Problem = $"The store does not answer: {FailureText.Of(e)}";
        }
    }

    /// <summary>The store may know what the books do not: a commit is void, as far as the store knows, and what was in it is about to be given up; or something was accepted that nobody here has sent.</summary>
    public void Doubt() => taker.Doubt();

    /// <summary>Notes who is there.</summary>
    public void See(GroupInfo group)
    {
        others.See(group);
        taker.See(group);
        share.See(group);
        partitions = group.Partitions.Count;
    }

    /// <summary>No partition is taken any more.</summary>
    public async Task StopTakingAsync()
    {
        await leaving.CancelAsync().ConfigureAwait(false);
        await taking.EnterAsync(CancellationToken.None).ConfigureAwait(false);
        taking.Leave();
    }

    /// <summary>Gives everything back, uncharged.</summary>
    public async Task LeaveAsync()
    {
        await StopTakingAsync().ConfigureAwait(false);
        if (heart is not null) await heart.StopAsync().ConfigureAwait(false);          // or it would join again
        await Task.WhenAll(core.Owned.Select(partition => core.Store.ReleaseAsync(partition.Owner).AsTask())).ConfigureAwait(false);
        await membership.LeaveAsync().ConfigureAwait(false);
    }

    /// <summary>No more beats.</summary>
    public void Drop()
    {
        heart?.StopAsync();
        Instance.End();
    }

    /// <summary>While it runs, nothing is taken, and nobody leaves.</summary>
    /// <param name="action">Is cancelled when it is time to leave. Throws nothing.</param>
    public async Task AloneAsync(Func<CancellationToken, Task> action)
    {
        await taking.EnterAsync(CancellationToken.None).ConfigureAwait(false);
        try
        {
            await action(leaving.Token).ConfigureAwait(false);
        }
        finally
        {
            taking.Leave();
        }
    }

    /// <summary>Something of a partition that is to leave has ended. Any thread.</summary>
    public void LetGo() => _ = LetGoAsync();

    private async Task LetGoAsync()
    {
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);          // who tells has something to go on with
        try
        {
            await GiveAsync().ConfigureAwait(false);
        }
        catch (Exception e)
        {
            if (!core.Life.IsCancellationRequested) core.Problem = $"A partition could not be given to another member; it is taken back: {FailureText.Of(e)}";
        }
    }

    /// <summary>Gives away what is to leave and has nothing under way.</summary>
    private async Task GiveAsync()
    {
        if (!Array.Exists(core.Owned, static partition => partition.IsLeaving)) return;
        await taking.EnterAsync(core.Life).ConfigureAwait(false);
        try
        {
            if (!leaving.IsCancellationRequested) await share.GiveAsync().ConfigureAwait(false);
        }
        finally
        {
            taking.Leave();
        }
    }

    private async Task ShareLaterAsync()
    {
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);          // off the heart's thread
        do
        {
            while (Interlocked.Exchange(ref latest, null) is var (group, isAiling)) await ShareAsync(group, isAiling).ConfigureAwait(false);
            Interlocked.Exchange(ref isTaking, 0);
        }
        while (Volatile.Read(ref latest) is not null && Interlocked.Exchange(ref isTaking, 1) == 0);          // a beat has come since
    }

    private async Task ShareAsync(GroupInfo group, bool isAiling)
    {
        try
        {
            if (!isAiling) share.Choose(group);
            await GiveAsync().ConfigureAwait(false);
            if (core.IsLeasing) await TakeFreeAsync(group, isAiling).ConfigureAwait(false);
            if (core.SinksWait && await core.Store.FindGroupAsync(core.Group, core.Life).ConfigureAwait(false) is { } now) await BeginWaitingSinksAsync(now).ConfigureAwait(false);
            if (!MayBeBehind || isAiling) return;
            await RefreshBooksAsync().ConfigureAwait(false);
            core.Books.Touch();                      // whoever waits looks again
        }
        catch (Exception e)
        {
            if (!core.Life.IsCancellationRequested) core.Problem = $"Partitions could not be taken; the next heartbeat tries again: {FailureText.Of(e)}";
        }
    }

    /// <summary>Takes what is free, unless it has not been started, and begins the books with what the store says. Nothing is under way; whoever calls is alone.</summary>
    public Task<List<OwnedPartition>> LoadAsync(CancellationToken cancellation) => LoadAsync(joins: heart is not null, cancellation);

    private async Task<List<OwnedPartition>> LoadAsync(bool joins, CancellationToken cancellation)
    {
        GroupInfo? group = joins ? await membership.JoinAsync(why => core.Problem = why, cancellation).ConfigureAwait(false) : null;
        if (group is not null) See(group);
        using IDisposable closed = await core.Accepting.CloseAsync(cancellation).ConfigureAwait(false);          // so that nothing is counted twice, or not at all
        share.Forget();
        List<OwnedPartition> taken = group is null ? [] : await taker.TakeAsync(share.ToTake(group, onlyOwn: false), cancellation).ConfigureAwait(false);
        await taker.LoadBooksAsync(taken, cancellation).ConfigureAwait(false);
        return taken;
    }

    private async Task TakeFreeAsync(GroupInfo group, bool isAiling = false)
    {
        await taking.EnterAsync(core.Life).ConfigureAwait(false);
        try
        {
            if (leaving.IsCancellationRequested) return;
            List<PartitionInfo> free = share.ToTake(group, isAiling);
            if (free.Count == 0 || !await core.Committer.PassAsync().ConfigureAwait(false)) return;          // what was sent of them is answered: once they are taken, a later commit may hide what became of it
            free.RemoveAll(partition => partition.Owner is { } owner && owner != Self && !IsSilent(owner));          // that may have taken long
            List<OwnedPartition> taken = await taker.TakeAsync(free, core.Life).ConfigureAwait(false);
            if (taken.Count == 0) return;
            taker.Doubt();                           // what others have done there is not in the books
            if (!core.SinksWait && !await core.Committer.TryBeginSinksAsync(taken).ConfigureAwait(false)) return;
            foreach (OwnedPartition partition in taken) core.Books.Take(partition);          // not before: the pump looks for suspects that it knows of
            if (!core.SinksWait) await taker.UnparkAsync(taken, core.Life).ConfigureAwait(false);
            core.Own(taken);
        }
        finally
        {
            taking.Leave();
        }
    }

    /// <summary>Whether everything has ended, with others as well; not, if the store does not say so now: another look is due after the next heartbeat.</summary>
    public async Task<bool> AreAllIdleAsync()
    {
        try
        {
            return !MayBeBehind || (await RefreshBooksAsync().ConfigureAwait(false) && core.Books.IsIdle);
        }
        catch (Exception e) when (e is StreamStoreException or ObjectDisposedException or OperationCanceledException)
        {
            return false;
        }
    }

    private async Task<bool> RefreshBooksAsync()
    {
        bool areFresh = false;
        await AloneAsync(async leaving => areFresh = await taker.RefreshBooksAsync(leaving).ConfigureAwait(false)).ConfigureAwait(false);
        return areFresh;
    }

    private sealed record Seen(GroupInfo Group, bool IsAiling);
}
