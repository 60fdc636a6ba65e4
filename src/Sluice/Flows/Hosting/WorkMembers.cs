namespace Sluice;

/// <summary>Who hosts a processor: beats, notices who is silent, and says what this service should have.</summary>
/// <remarks>
/// The hearts of the process have a thread of their own. Silence is heartbeats that have not changed for the lease duration that they carry, on this process's monotonic clock. It stops beating while the store takes no
/// commits for a lease time, so that others can take over.
/// </remarks>
internal sealed class WorkMembers(SupervisorCore core, GroupId group, Signal changed, Func<TimeSpan> silence)
{
    private readonly Lock sync = new();
    private readonly MemberWatch others = new(core.Options.Time);
    private readonly Membership membership = new(core.Store, group, core.Options.Name, core.Instance, core.Options.LeaseDuration, core.Options.Time);
    private GroupInfo? latest;
    private HeartbeatTimer? heart;
    private bool mayBeKnown;                         // to the others; the loop's

    private string Self => core.Options.Name;

    public async Task JoinAsync(CancellationToken cancellation)
    {
        mayBeKnown = true;
        See(await core.Calls.DoAsync(group.Stream, () => new ValueTask<GroupInfo>(membership.JoinAsync(Tell, cancellation)), cancellation).ConfigureAwait(false));
        heart ??= new(core.Options.Time, core.Options.LeaseDuration / 3, BeatAsync, failure => core.Warn($"A heartbeat of {Self} for {group} has failed: {failure.Message}"));
    }

    /// <summary>No more beats.</summary>
    public void Drop() => heart?.StopAsync();

    public async Task LeaveAsync(IEnumerable<Ownership> owned)
    {
        if (!mayBeKnown) return;                     // stopped before there was a group to join
        if (heart is not null) await heart.StopAsync().ConfigureAwait(false);
        try
        {
            foreach (Ownership owner in owned) await core.Calls.DoAsync([], () => core.Store.ReleaseAsync(owner), CancellationToken.None).ConfigureAwait(false);
            await core.Calls.DoAsync([], () => membership.LeaveAsync(), CancellationToken.None).ConfigureAwait(false);
        }
        catch (Exception e) when (e is StreamStoreException or ObjectDisposedException or OperationCanceledException)
        {
            core.Warn($"What {Self} has hosted could not be given back; others take it when it has been silent for the lease time: {e.Message}");
        }
    }

    /// <summary>Which partitions to take, and which idle ones to give to those who have less.</summary>
    /// <param name="owned">What this service knows that it has.</param>
    /// <param name="isIdle">Whether nothing runs in one of them.</param>
    /// <param name="given">The epochs in which it has given partitions away. All else that is its own in the store it takes, whatever its share: an answer was lost, or it began anew, and nobody else would ever take that.</param>
    public (List<PartitionInfo> Take, List<int> Release) Share(IReadOnlyList<int> owned, Func<int, bool> isIdle, IReadOnlyDictionary<int, long> given)
    {
        lock (sync)
        {
            if (latest is null) return ([], []);
            int living = latest.Members.Count(member => member.Name == Self || !others.IsSilent(member.Name));
            int share = (latest.Partitions.Count + living - 1) / Math.Max(1, living);
            int surplus = owned.Count - share;
            List<int> release = surplus <= 0 ? [] : [.. owned.Where(isIdle).Take(surplus)];
            bool IsOurs(PartitionInfo partition) => partition.Owner == Self && !(given.TryGetValue(partition.Partition, out long epoch) && epoch == partition.Epoch);
            PartitionInfo[] free = [.. latest.Partitions.Where(partition => !owned.Contains(partition.Partition) && (partition.Owner is null || IsOurs(partition) || (partition.Owner != Self && others.IsSilent(partition.Owner))))];
            List<PartitionInfo> take = [.. free.OrderByDescending(IsOurs).Take(Math.Max(free.Count(IsOurs), share - owned.Count))];
            latest = null;                           // looked at once: the next beat brings another
            return (take, release);
        }
    }

    // On the threads of the hearts, and back there after each await.
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
