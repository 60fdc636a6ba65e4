using Sluice.Membership;
using Sluice.Scheduling;

namespace Sluice.Delivery;

/// <content>Partitions are shared: handed over to others, and acquired where they are free.</content>
internal sealed partial class GroupMembership
{
    // Each heartbeat of each member reads so many counts of others at most: without a bound, a hundred members with a thousand partitions
    // read ten thousand counts a second while items flow, and none of them is fresh.
    private const int MaxCountReads = 32;

    /// <summary>Hands over the leaving partitions that have no item in flight.</summary>
    private async Task GiveAsync()
    {
        if (!Array.Exists(core.Partitions.Owned, static partition => partition.IsLeaving)) return;
        await taking.EnterAsync(core.Lifetime.Token).ConfigureAwait(false);
        try
        {
            if (!MayMove) return;
            foreach (OwnedPartition partition in core.Partitions.Owned)
                if (partition.IsLeaving && core.Ledger.TryVoid(partition, core.Rounds is { } rounds ? rounds.IsResting : null))
                    await ReleaseAsync(partition).ConfigureAwait(false);
        }
        finally
        {
            taking.Leave();
        }
    }

    private async Task ReleaseAsync(OwnedPartition partition)
    {
        share.NoteRelease(partition.Owner);
        core.Partitions.Lose(partition); // first: entries that are leased from here on do not start, and go back with it
        try
        {
            await core.Store.ReleaseAsync(partition.Owner, core.Lifetime.Token).ConfigureAwait(false);
        }
        catch
        {
            share.NoteFailedRelease(partition.Owner);
            throw;
        }
    }

    /// <summary>Chooses the partitions that leave, and those that stay after all (<see cref="OwnedPartition.IsLeaving"/>).</summary>
    private void Choose(GroupInfo group)
    {
        if (core.Local is not null) return;          // nobody else could take its items
        OwnedPartition[] owned = core.Partitions.Owned;
        // a file is written by one member
        HashSet<int> going = share.ToRelease(group, [.. owned.Select(static partition
            => new PartitionInUse(partition.Number, partition.UnderWay, partition.IsLeaving, MayLeave: !partition.HasFiles))]);
        bool hasChanged = false;
        foreach (OwnedPartition partition in owned)
        {
            bool isGoing = going.Contains(partition.Number);
            hasChanged |= partition.IsLeaving != isGoing;
            partition.IsLeaving = isGoing;
        }
        if (hasChanged) core.Pump.Changed();
    }

    /// <summary>The partitions to acquire now. While the sinks wait for partitions, all that are free.</summary>
    private List<PartitionInfo> ToAcquire(GroupInfo group, bool isAiling = false)
        => share.ToAcquire(group, [.. core.Partitions.Owned.Select(static partition => partition.Number)],
            isAiling ? AcquireScope.Own : core.Sinks.AreWaiting ? AcquireScope.All : AcquireScope.Share, core.Stopped.IsDue);

    private async Task ShareLaterAsync()
    {
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);          // off the thread of the heartbeats
        do
        {
            while (Interlocked.Exchange(ref latest, null) is var (group, isAiling)) await ShareAsync(group, isAiling).ConfigureAwait(false);
            Interlocked.Exchange(ref isTaking, 0);
        }
        while (Volatile.Read(ref latest) is not null && Interlocked.Exchange(ref isTaking, 1) == 0); // another heartbeat has come since
    }

    private async Task ShareAsync(GroupInfo group, bool isAiling)
    {
        string failing = "Partitions could not be taken";
        try
        {
            if (!isAiling) Choose(group);
            await GiveAsync().ConfigureAwait(false);
            if (core.Pump.IsLeasing) await TakeFreeAsync(group, isAiling).ConfigureAwait(false);
            if (core.Sinks.AreWaiting && await core.Store.FindGroupAsync(core.Group, core.Lifetime.Token).ConfigureAwait(false) is { } now)
                await BeginWaitingSinksAsync(now).ConfigureAwait(false);
            failing = "Counts could not be refreshed";
            if (isAiling) return;
            await LearnLettersAsync().ConfigureAwait(false);
            if (MayBeBehind)
            {
                await RefreshCountsAsync(MaxCountReads).ConfigureAwait(false);
                core.Ledger.Touch();                  // waiters look again, at all partitions
            }
            ForgetProblem();
        }
        catch (Exception e)
        {
            if (!core.Lifetime.Token.IsCancellationRequested && !core.Recovery.Learn(e))
                core.Problems.OfSharing = $"{failing}; the next heartbeat tries again: {FailureText.Of(e)}";
        }
    }

    /// <summary>Looks whether another program, such as the command line, has redriven or deleted dead letters.</summary>
    private async Task LearnLettersAsync()
    {
        if (core.Local is not null || core.Ledger.LetterMoves is not { } seen) return;
        StreamInfo? stream = await core.Store.FindStreamAsync(core.Name, core.Lifetime.Token).ConfigureAwait(false);
        if (stream?.Groups.FirstOrDefault(backlog => backlog.Name == core.Group.Name) is { } backlog
            && core.Ledger.TryLearnLetters(seen, backlog.Dead)) core.Doubts.Add();
    }

    /// <summary>Asks the store how many items have not ended: a member that is never idle does not count those of others.</summary>
    /// <remarks>No item is accepted meanwhile: an append whose answer has not come would count as sent elsewhere. So in each heartbeat
    /// interval, sends wait once for the appends under way and one read.</remarks>
    private async Task CompareCountsAsync(CancellationToken cancellation)
    {
        using IDisposable closed = await core.Accepting.CloseAsync(cancellation).ConfigureAwait(false);
        long before = core.Ledger.Outstanding;
        StreamInfo? stream = await core.Store.FindStreamAsync(core.Name, cancellation).ConfigureAwait(false);
        if (stream?.Groups.FirstOrDefault(backlog => backlog.Name == core.Group.Name) is { } backlog)
            core.Ledger.Compare(before, backlog.Outstanding);
    }

    private async Task TakeFreeAsync(GroupInfo group, bool isAiling = false)
    {
        await taking.EnterAsync(core.Lifetime.Token).ConfigureAwait(false);
        try
        {
            if (!MayMove) return;
            List<PartitionInfo> free = ToAcquire(group, isAiling);
            // their commits are answered: a later commit may hide the outcome of an earlier one
            if (free.Count == 0 || !await core.Committer.PassAsync().ConfigureAwait(false)) return;
            free.RemoveAll(partition => !share.IsStillFree(partition));
            List<OwnedPartition> taken = await taker.TakeAsync(free, core.Lifetime.Token).ConfigureAwait(false);
            if (taken.Count == 0) return;
            core.Doubts.Add();                           // the ledger has not counted what other members did there
            if (!core.Sinks.AreWaiting && !await core.Committer.TryBeginSinksAsync(taken).ConfigureAwait(false)) return;
            // not before: the pump looks for suspects in the ledger
            foreach (OwnedPartition partition in taken) core.Ledger.Take(partition);
            if (!core.Sinks.AreWaiting) await taker.UnparkAsync(taken, core.Lifetime.Token).ConfigureAwait(false);
            core.Partitions.Own(taken);
        }
        finally
        {
            taking.Leave();
        }
    }

    private sealed record Seen(GroupInfo Group, bool IsAiling);
}
