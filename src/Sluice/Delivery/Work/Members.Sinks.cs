namespace Sluice;

// When the sinks may begin. A sink cuts its file to the largest length that partitions know. A partition that somebody has who may be dead may know a larger one, or learn it from a commit that is
// under way: it is waited for until it is this member's, or its owner is heard of, which has the file for itself then.
internal sealed partial class Members
{
    /// <summary>Begins the sinks, and frees what was parked; or lets them wait for partitions: then nothing is started until they have begun.</summary>
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

    /// <summary>Begins the sinks anew for partitions that were taken and are not ours yet for others, and frees what was parked there; not before they have begun at all.</summary>
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
        => $"The sinks of {core.Name} have not begun, and nothing is taken up before they have: {(unknown.Owner is { } owner ? $"{owner} has partition {unknown.Partition}, and has not been heard of since this member started" : $"partition {unknown.Partition} is nobody's")}. "
            + "Its last commit may have made a file longer than is known here. This member takes it when the lease time has passed without a heartbeat.";
}
