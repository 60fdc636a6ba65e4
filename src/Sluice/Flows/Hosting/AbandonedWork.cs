using Sluice.Diagnostics;
using Sluice.Scheduling;

namespace Sluice.Flows;

/// <summary>Removes what a processor that no service hosts any more still has in its state of a run that is over.</summary>
/// <remarks>
/// Thread-safe. This service joins the processor's group for a moment and takes over the partition, so that a former host that only seems
/// to be gone can no longer write to the run's streams. Nothing else of the partition changes. A removal that has begun goes on when its
/// caller gives up: this service must leave the group again, otherwise it would count as a host.
/// </remarks>
internal static class AbandonedWork
{
    /// <summary>Finds a processor that a service still has in its state, and removes what is left of those without a host.</summary>
    public static async Task<ProcessorInfo?> FindBusyAsync(SupervisorCore core, FlowRunInfo status, CancellationToken cancellation)
    {
        while (await FlowReports.FindBusyAsync(core.Store, status, cancellation).ConfigureAwait(false) is { } busy)
        {
            if (await core.Hosts.NobodyForAsync(busy.Name, TimeSpan.Zero, cancellation).ConfigureAwait(false) is null) return busy;
            Task<bool> removal = TryRemoveAsync(core, status.Run, busy.Name);
            _ = removal.Observed();
            if (!await removal.WaitAsync(cancellation).ConfigureAwait(false)) return busy;
        }
        return null;
    }

    /// <returns>Whether it was removed.</returns>
    private static async Task<bool> TryRemoveAsync(SupervisorCore core, string run, string processor)
    {
        GroupId group = FlowNames.Hosts(processor);
        GroupInfo? info = await core.Store.FindGroupAsync(group, core.Life).ConfigureAwait(false);
        if (info is null) return false;
        core.Instance.Begin();
        try
        {
            return await JoinAsync(core, group).ConfigureAwait(false)
                && await RemoveRowAsync(core, group, info, run).ConfigureAwait(false);
        }
        finally
        {
            await core.Calls.DoAsync([], () => core.Store.LeaveAsync(group, core.Options.Name, core.Instance.Id), core.Life)
                .ConfigureAwait(false);
        }
    }

    private static async Task<bool> JoinAsync(SupervisorCore core, GroupId group)
    {
        var beat = new HeartbeatRequest(group, core.Options.Name, core.Instance.Id, core.Options.LeaseDuration);
        HeartbeatResult answer = await core.Store.HeartbeatAsync(beat, core.Life).ConfigureAwait(false);
        if (answer.Status == HeartbeatStatus.Refused)            // by an earlier start of this service: all members are silent
            answer = await core.Store.HeartbeatAsync(beat with { Replaces = answer.Holder }, core.Life).ConfigureAwait(false);
        return answer.Status == HeartbeatStatus.Accepted;
    }

    private static async Task<bool> RemoveRowAsync(SupervisorCore core, GroupId group, GroupInfo info, string run)
    {
        int partition = EntryKey.Of(run).PartitionOf(info.Partitions.Count);
        var take = new AcquireRequest(core.Options.Name) { ExpectedEpoch = info.Partitions[partition].Epoch };
        AcquireResult taken = await core.Store.AcquireAsync(group, partition, take, core.Life).ConfigureAwait(false);
        if (taken.Status != AcquireStatus.Taken) return false;           // a host has come
        var commit = new StoreCommit(taken.Ownership, taken.State!.LastCommit + 1)
        {
            State = [WorkPartition.NoRow(run)],
            MustLast = true
        };
        try
        {
            return (await core.Store.CommitAsync(commit, core.Life).ConfigureAwait(false)).Status == CommitStatus.Committed;
        }
        finally
        {
            await core.Calls.DoAsync([], () => core.Store.ReleaseAsync(taken.Ownership), core.Life).ConfigureAwait(false);
        }
    }
}
