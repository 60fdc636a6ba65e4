namespace Sluice.Delivery;

/// <content>
/// Decides when the sinks may begin. A sink cuts its file to the largest length that partitions know. A partition whose owner may be dead
/// may know a larger length, or learn it from a commit in flight. So the sinks wait until this member has the partition, or until its
/// owner sends a heartbeat: then the owner has the file for itself.
/// </content>
internal sealed partial class GroupMembership
{
    /// <summary>Begins the sinks and frees the parked items, or lets the sinks wait for partitions: then no item starts until the sinks
    /// have begun.</summary>
    public async Task BeginSinksAsync(CancellationToken cancellation)
    {
        if (core.Sinks.All.Count > 0 && core.Local is null
            && await core.Store.FindGroupAsync(core.Group, cancellation).ConfigureAwait(false) is { } group)
        {
            LoseTaken(group);
            if (FindUnknown(group) is { } unknown)
            {
                core.Sinks.AreWaiting = true;
                core.Problems.Latest = group.IsDraining ? null : WhySinksWait(unknown);
                return;
            }
            // The newer code may have the file, too. A heartbeat tries until it is free; here a failure would end the start.
            if (group.Partitions.Any(IsOfNewerCode))
            {
                core.Sinks.AreWaiting = true;
                return;
            }
        }
        await core.Committer.BeginSinksAsync([], cancellation).ConfigureAwait(false);
        await taker.UnparkAsync(core.Partitions.Owned, cancellation).ConfigureAwait(false);
    }

    /// <summary>Begins the sinks anew for acquired partitions, and frees the items that were parked there. Does nothing before the sinks
    /// have begun for the first time.</summary>
    public async Task BeginSinksAsync(IReadOnlyList<OwnedPartition> taken, CancellationToken cancellation)
    {
        if (core.Sinks.AreWaiting) return;
        await core.Committer.BeginSinksAsync(taken, cancellation).ConfigureAwait(false);
        await taker.UnparkAsync(taken, cancellation).ConfigureAwait(false);
    }

    private async Task BeginWaitingSinksAsync(GroupInfo group)
    {
        LoseTaken(group);
        if (FindUnknown(group) is { } unknown)
        {
            core.Problems.Latest = group.IsDraining ? null : WhySinksWait(unknown);
            return;
        }
        core.Problems.Latest = null;                 // the wait for partitions is over; that a sink cannot begin is another problem
        await taking.EnterAsync(core.Lifetime.Token).ConfigureAwait(false);
        try
        {
            if (!MayMove || !await core.Committer.TryBeginSinksAsync([]).ConfigureAwait(false)) return;
            await taker.UnparkAsync(core.Partitions.Owned, core.Lifetime.Token).ConfigureAwait(false);
            core.Sinks.AreWaiting = false;
        }
        finally
        {
            taking.Leave();
        }
    }

    /// <summary>
    /// Returns a partition without an owner that has sent a heartbeat: a commit of it may be in flight, and its file lengths are not known
    /// here. Else null.
    /// </summary>
    private PartitionInfo? FindUnknown(GroupInfo group)
    {
        OwnedPartition[] owned = core.Partitions.Owned;
        foreach (PartitionInfo partition in group.Partitions)
        {
            if (Array.Exists(owned, own => own.Number == partition.Partition)) continue;
            if (IsOfNewerCode(partition)) continue;      // newer code keeps it: there is no word to wait for
            if (partition.Owner is not { } owner || owner == Self || !others.HasBeenHeard(owner)) return partition;
        }
        return null;
    }

    private bool IsOfNewerCode(PartitionInfo partition) => partition.Version > core.Options.CodeVersion;

    /// <summary>Notes the loss of partitions that others have taken meanwhile, because this process stood still for longer than its lease.
    /// No commit tells it: none is made before the sinks have begun.</summary>
    private void LoseTaken(GroupInfo group)
    {
        foreach (OwnedPartition own in core.Partitions.Owned)
            if (group.Partitions.FirstOrDefault(info => info.Partition == own.Number).Epoch > own.Owner.Epoch) core.Partitions.Lose(own);
    }

    private string WhySinksWait(PartitionInfo unknown)
        => core.Stopped.All.FirstOrDefault(stopped => stopped.Partition == unknown.Partition) is { } damaged
        ? $"The sinks of {core.Name} have not begun, and no item starts before they have: the length of a file may be in a partition that "
            + $"cannot be read. {damaged.Message}"
        : $"The sinks of {core.Name} have not begun, and no item starts before they "
        + $"have: {(unknown.Owner is { } owner ? $"{owner} has partition {unknown.Partition}, and has sent no heartbeat since this member "
        + $"started" : $"partition {unknown.Partition} has no owner")}. "
            + "Its last commit may have made a file longer than is known here. This member takes it when the lease duration has passed "
            + "without a heartbeat.";
}
