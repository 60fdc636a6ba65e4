using Sluice.Diagnostics;

namespace Sluice.Flows;

/// <summary>Removes what a processor that no service hosts any more still has in its state of a run that is over.</summary>
/// <remarks>
/// Thread-safe. This service joins the processor's group for a moment and takes over the partition, so that a former host that only seems
/// to be gone can no longer write to the run's streams. Nothing else of the partition changes.
/// </remarks>
internal static class AbandonedWork
{
    /// <summary>Finds a processor that a service still has in its state, and removes what is left of those without a host.</summary>
    public static async Task<ProcessorInfo?> FindBusyAsync(SupervisorCore core, FlowRunInfo status, CancellationToken cancellation)
    {
        while (await FlowReports.FindBusyAsync(core.Store, status, cancellation).ConfigureAwait(false) is { } busy)
            if (!await TryRemoveAsync(core, status.Run, busy.Name, cancellation).ConfigureAwait(false)) return busy;
        return null;
    }

    /// <returns>Whether it was removed: the processor has no host.</returns>
    private static async Task<bool> TryRemoveAsync(SupervisorCore core, string run, string processor, CancellationToken cancellation)
    {
        if (await core.Hosts.NobodyForAsync(processor, TimeSpan.Zero, cancellation).ConfigureAwait(false) is null) return false;
        GroupId group = FlowNames.Hosts(processor);
        GroupInfo? info = await core.Store.FindGroupAsync(group, cancellation).ConfigureAwait(false);
        if (info is null) return false;
        int partition = EntryKey.Of(run).PartitionOf(info.Partitions.Count);
        core.Instance.Begin();
        var beat = new HeartbeatRequest(group, core.Options.Name, core.Instance.Id, core.Options.LeaseDuration);
        HeartbeatResult answer = await core.Store.HeartbeatAsync(beat, cancellation).ConfigureAwait(false);
        if (answer.Status == HeartbeatStatus.Refused)            // by an earlier start of this service: all members are silent
            answer = await core.Store.HeartbeatAsync(beat with { Replaces = answer.Holder }, cancellation).ConfigureAwait(false);
        if (answer.Status != HeartbeatStatus.Accepted) return false;
        try
        {
            var take = new AcquireRequest(core.Options.Name) { ExpectedEpoch = info.Partitions[partition].Epoch };
            AcquireResult taken = await core.Store.AcquireAsync(group, partition, take, cancellation).ConfigureAwait(false);
            if (taken.Status != AcquireStatus.Taken) return false;       // a host has come
            var commit = new StoreCommit(taken.Ownership, taken.State!.LastCommit + 1)
            {
                State = [WorkPartition.NoRow(run)],
                MustLast = true
            };
            try
            {
                return (await core.Store.CommitAsync(commit, cancellation).ConfigureAwait(false)).Status == CommitStatus.Committed;
            }
            finally
            {
                await core.Store.ReleaseAsync(taken.Ownership, CancellationToken.None).ConfigureAwait(false);
            }
        }
        finally
        {
            await core.Store.LeaveAsync(group, core.Options.Name, core.Instance.Id, CancellationToken.None).ConfigureAwait(false);
        }
    }
}
