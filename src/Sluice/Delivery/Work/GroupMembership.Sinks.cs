namespace Sluice;

// When the sinks may begin. A sink cuts its file to the largest length that partitions know. A partition whose owner may be dead may know a larger length, or learn it from a commit in
// flight. So the sinks wait until this member has the partition, or until its owner sends a heartbeat: then the owner has the file for itself.
internal sealed partial class GroupMembership
{
    /// <summary>Begins the sinks and frees the parked items, or lets the sinks wait for partitions: then no item starts until the sinks have begun.</summary>
    public async Task BeginSinksAsync(CancellationToken cancellation)
    {
        if (core.Sinks.Count > 0 && core.Owned.Length < partitions
            && await core.Store.FindGroupAsync(core.Group, cancellation).ConfigureAwait(false) is { } group && share.FindUnknown(group) is { } unknown)
        {
            core.SinksWait = true;
            core.Problem = WhySinksWait(unknown);
            return;
        }
        await core.Committer.BeginSinksAsync([], cancellation).ConfigureAwait(false);
        await taker.UnparkAsync(core.Owned, cancellation).ConfigureAwait(false);
    }

    /// <summary>Begins the sinks anew for newly taken partitions, and frees the items that were parked there. Does nothing before the sinks have begun for the first time.</summary>
    public async Task BeginSinksAsync(IReadOnlyList<OwnedPartition> taken, CancellationToken cancellation)
    {
        if (core.SinksWait) return;
        await core.Committer.BeginSinksAsync(taken, cancellation).ConfigureAwait(false);
        await taker.UnparkAsync(taken, cancellation).ConfigureAwait(false);
    }

    private async Task BeginWaitingSinksAsync(GroupInfo group)
    {
        if (share.FindUnknown(group) is { } unknown)
        {
            core.Problem = WhySinksWait(unknown);
            return;
        }
        await taking.EnterAsync(core.Life).ConfigureAwait(false);
        try
        {
            if (leaving.IsCancellationRequested || !await core.Committer.TryBeginSinksAsync([]).ConfigureAwait(false)) return;
            await taker.UnparkAsync(core.Owned, core.Life).ConfigureAwait(false);
            core.Problem = null;
            core.SinksWait = false;
        }
        finally
        {
            taking.Leave();
        }
    }

    private string WhySinksWait(PartitionInfo unknown)
        => $"The sinks of {core.Name} have not begun, and no item starts before they have: {(unknown.Owner is { } owner ? $"{owner} has partition {unknown.Partition}, and has sent no heartbeat since this member started" : $"partition {unknown.Partition} has no owner")}. "
            + "Its last commit may have made a file longer than is known here. This member takes it when the lease time has passed without a heartbeat.";
}
