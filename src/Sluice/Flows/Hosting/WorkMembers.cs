using Sluice.Scheduling;
using Sluice.Storage;

namespace Sluice.Flows;

/// <summary>
/// The members that host a processor: beats for this service, notices silent ones, and computes this service's share of partitions.
/// </summary>
/// <remarks>
/// Heartbeats have a thread of their own. A member is silent if its heartbeats have not changed for the lease duration that they carry, by
/// this process's monotonic clock. If the store takes no commits for a lease duration, this service stops beating, so that others can take
/// over.
/// </remarks>
internal sealed class WorkMembers(SupervisorCore core, GroupId group, Signal changed, Func<TimeSpan> silence)
{
    private readonly Lock sync = new();
    private readonly MemberWatch others = new(core.Options.Time);
    private readonly Membership membership = new(core.Store, group, core.Options.Name, core.Instance, core.Options.LeaseDuration,
        core.Options.Time);
    private GroupInfo? latest;
    private HeartbeatTimer? heart;
    private bool mayBeKnown;                         // to the others; the loop's

    private string Self => core.Options.Name;

    public async Task JoinAsync(CancellationToken cancellation)
    {
        mayBeKnown = true;
        See(await core.Calls.DoAsync(group.Stream, () => new ValueTask<GroupInfo>(membership.JoinAsync(Tell, cancellation)), cancellation)
            .ConfigureAwait(false));
        heart ??= new(core.Options.Time, core.Options.LeaseDuration / 3, BeatAsync,
            failure => core.Warn($"A heartbeat of {Self} for {group} has failed: {failure.Message}"));
    }

    /// <summary>Stops the heartbeats.</summary>
    public void Drop() => heart?.StopAsync();

    public async Task LeaveAsync(IEnumerable<Ownership> owned)
    {
        if (!mayBeKnown) return;                     // stopped before it has joined
        if (heart is not null) await heart.StopAsync().ConfigureAwait(false);
        try
        {
            foreach (Ownership owner in owned) await core.Calls.DoAsync([], () => core.Store.ReleaseAsync(owner), CancellationToken.None)
                .ConfigureAwait(false);
            await core.Calls.DoAsync([], () => membership.LeaveAsync(), CancellationToken.None).ConfigureAwait(false);
        }
        catch (Exception e) when (e is StreamStoreException or ObjectDisposedException or OperationCanceledException)
        {
            core.Warn(
                $"What {Self} hosted could not be given back; others take it when it has been silent for the lease duration: {e.Message}");
        }
    }

    /// <summary>Computes which partitions to acquire, and which idle ones to release to members with fewer.</summary>
    /// <param name="owned">The partitions that this service knows it owns.</param>
    /// <param name="isIdle">Whether a partition has no running work.</param>
    /// <param name="given">The epochs in which it has released partitions. Any other partition that the store says is its own is acquired
    /// beyond the share: an answer was lost or the service began anew, and no other member would take it.</param>
    public (List<PartitionInfo> Take, List<int> Release) Share(IReadOnlyList<int> owned, Func<int, bool> isIdle,
        IReadOnlyDictionary<int, long> given)
    {
        lock (sync)
        {
            if (latest is null) return ([], []);
            int living = latest.Members.Count(member => member.Name == Self || !others.IsSilent(member.Name));
            int share = (latest.Partitions.Count + living - 1) / Math.Max(1, living);
            int surplus = owned.Count - share;
            List<int> release = surplus <= 0 ? [] : [.. owned.Where(isIdle).Take(surplus)];
            bool IsOurs(PartitionInfo partition) => partition.Owner == Self
                && !(given.TryGetValue(partition.Partition, out long epoch) && epoch == partition.Epoch);
            PartitionInfo[] free = [.. latest.Partitions.Where(partition => !owned.Contains(partition.Partition)
                && (partition.Owner is null || IsOurs(partition) || (partition.Owner != Self && others.IsSilent(partition.Owner))))];
            List<PartitionInfo> take = [.. free.OrderByDescending(IsOurs).Take(Math.Max(free.Count(IsOurs), share - owned.Count))];
            latest = null;                           // used once; the next heartbeat brings another
            return (take, release);
        }
    }

    // On the heartbeat threads, also after each await.
    private async Task BeatAsync()
    {
        try
        {
            if (silence() >= core.Options.LeaseDuration) return;
            GroupInfo info = await membership.BeatAndLookAsync(core.Life).ConfigureAwait(true);
            See(info);
            foreach (MemberInfo member in others.Gone(info))
            {
                await core.Store.LeaveAsync(group, member.Name, member.Instance, core.Life).ConfigureAwait(true);
                others.Forget(member.Name);
            }
        }
        catch (Exception e)
        {
            if (!core.Life.IsCancellationRequested) core.Warn($"The store does not take heartbeats of {Self} for {group}: {e.Message}");
        }
    }

    private void Tell(string? why)
    {
        if (why is not null) core.Warn(why);
    }

    private void See(GroupInfo info)
    {
        others.See(info);
        lock (sync) latest = info;
        changed.Set();
    }
}
