using Sluice.Storage;

namespace Sluice.Delivery;

/// <summary>
/// Decides which partitions this member acquires and which it hands over, so that living members have equal numbers, plus or minus one.
/// </summary>
/// <remarks>
/// <para>Thread-safe: everything is under its lock. Members know each other by heartbeats, so for a lease duration they may see different
/// groups, and one may have more than its share.</para>
/// <para>A surplus partition is leased no more, and moves once none of its items is in flight: so the order of keys holds, and no item
/// starts twice. If no item of it ends for a lease duration, the partition stays. A partition that was free for a lease duration is
/// acquired by any member: the member with room may be paused, slow, or run older code. Both then stay for four lease durations, four
/// times as long at each repetition, up to a hundred; or until members come or go.</para>
/// </remarks>
internal sealed class PartitionBalancer(ConsecutorCore core, MemberWatch others)
{
    private const int LeaseTimesKeptAtFirst = 4, LeaseTimesKeptAtMost = 100;

    private readonly Lock sync = new();
    private readonly Dictionary<int, (long Epoch, long Since)> free = [];
    // since when they stay, and for how long; also when that is over
    private readonly Dictionary<int, (long Since, int LeaseTimes)> kept = [];
    private readonly Dictionary<int, (int UnderWay, long Since)> leaving = [];
    private readonly Dictionary<int, long> given = [];          // the epochs in which partitions were handed over
    private string[] living = [];

    private string Self => core.Options.InstanceId;

    /// <summary>Notes the living members and the free partitions.</summary>
    public void See(GroupInfo group)
    {
        lock (sync)
        {
            string[] now = [.. group.Members.Select(static member => member.Name).Where(name => name != Self && !others.IsSilent(name))
                .Append(Self).Order(StringComparer.Ordinal)];
            if (!now.AsSpan().SequenceEqual(living)) kept.Clear();
            living = now;
            foreach (PartitionInfo partition in group.Partitions)
            {
                if (!IsFree(partition)) free.Remove(partition.Partition);
                else if (!free.TryGetValue(partition.Partition, out var known) || known.Epoch != partition.Epoch)
                    free[partition.Partition] = (partition.Epoch, core.Time.GetTimestamp());
            }
        }
    }

    /// <summary>The partitions to acquire now.</summary>
    /// <param name="group">The group as it was seen last.</param>
    /// <param name="onlyOwn">Only partitions that the store gave to this member without its knowledge: no other member would acquire
    /// them.</param>
    public List<PartitionInfo> ToTake(GroupInfo group, bool onlyOwn)
    {
        lock (sync)
        {
            OwnedPartition[] owned = core.Partitions.Owned;
            PartitionInfo[] open = [.. group.Partitions.Where(partition => core.Stopped.IsDue(partition.Partition)
                && !Array.Exists(owned, own => own.Number == partition.Partition))];
            List<PartitionInfo> take = [.. open.Where(partition => partition.Owner == Self
                && given.GetValueOrDefault(partition.Partition) != partition.Epoch)];
            if (onlyOwn) return take;
            PartitionInfo[] available = Array.FindAll(open, IsFree);
            int room = core.Sinks.AreWaiting ? available.Length : Math.Clamp(Most(group) - owned.Length - take.Count, 0, available.Length);

            // Members begin with different partitions.
            int first = available.Length * Array.IndexOf(living, Self) / Math.Max(1, living.Length);
            for (int i = 0; i < available.Length; i++)
            {
                PartitionInfo partition = available[(first + i) % available.Length];
                if (i >= room)
                {
                    if (!free.TryGetValue(partition.Partition, out var known)
                        || core.Time.GetElapsedTime(known.Since) < core.Options.LeaseDuration) continue;
                    Keep(partition.Partition);
                }
                take.Add(partition);
            }
            return take;
        }
    }

    /// <summary>Chooses the partitions that leave, and those that stay after all (<see cref="OwnedPartition.IsLeaving"/>).</summary>
    public void Choose(GroupInfo group)
    {
        bool isAnyStaying = false;
        lock (sync)
        {
            OwnedPartition[] owned = core.Partitions.Owned;
            int surplus = Surplus(group, owned.Length) - owned.Count(partition => IsKept(partition.Number)), going = 0;
            foreach (OwnedPartition partition in owned)
            {
                if (!partition.IsLeaving) continue;
                bool isStuck = IsStuck(partition);
                if (isStuck) Keep(partition.Number);
                if (!isStuck && going < surplus) going++;
                else (partition.IsLeaving, isAnyStaying) = (false, true);
            }
            foreach (OwnedPartition partition in owned
                // a file is written by one member
                .Where(partition => !partition.IsLeaving && !IsKept(partition.Number) && partition.FileLengths.Count == 0)
                .OrderBy(static partition => partition.UnderWay).ThenByDescending(static partition => partition.Number)
                .Take(surplus - going))
            {
                leaving[partition.Number] = (partition.UnderWay, core.Time.GetTimestamp());
                partition.IsLeaving = true;
            }
        }
        if (isAnyStaying) core.Pump.Changed();
    }

    /// <summary>Forgets which partitions were handed over: the store is another one, or has gone back.</summary>
    public void Forget()
    {
        lock (sync) given.Clear();
    }

    /// <summary>Hands over the leaving partitions that have no item in flight. Called while no partition is acquired.</summary>
    public async Task GiveAsync()
    {
        foreach (OwnedPartition partition in core.Partitions.Owned)
        {
            if (!partition.IsLeaving || !core.Ledger.TryVoid(partition, core.Epochs is { } epochs ? epochs.IsResting : null)) continue;
            lock (sync) given[partition.Number] = partition.Owner.Epoch; // a caller with an older view of the group would acquire it again
            core.Partitions.Lose(partition); // first: entries that are leased from here on do not start, and go back with it
            try
            {
                await core.Store.ReleaseAsync(partition.Owner, core.Lifetime.Token).ConfigureAwait(false);
            }
            catch
            {
                lock (sync) given.Remove(partition.Number);          // this member may still own it
                throw;
            }
        }
    }

    /// <summary>
    /// A partition without an owner that has sent a heartbeat: a commit of it may be in flight, and its file lengths are not known
    /// here. Else null.
    /// </summary>
    public PartitionInfo? FindUnknown(GroupInfo group)
    {
        OwnedPartition[] owned = core.Partitions.Owned;
        foreach (PartitionInfo partition in group.Partitions)
        {
            if (Array.Exists(owned, own => own.Number == partition.Partition)) continue;
            if (partition.Owner is not { } owner || owner == Self || !others.HasBeenHeard(owner)) return partition;
        }
        return null;
    }

    private bool IsFree(PartitionInfo partition) => partition.Owner != Self
        && (partition.Owner is null || others.IsSilent(partition.Owner));

    private void Keep(int partition)
    {
        int leaseTimes = kept.TryGetValue(partition, out var last) ? Math.Min(4 * last.LeaseTimes, LeaseTimesKeptAtMost)
            : LeaseTimesKeptAtFirst;
        kept[partition] = (core.Time.GetTimestamp(), leaseTimes);
    }

    private bool IsKept(int partition) => kept.TryGetValue(partition, out var last)
        && core.Time.GetElapsedTime(last.Since) < core.Options.LeaseDuration * last.LeaseTimes;

    private int Most(GroupInfo group) => (group.Partitions.Count + living.Length - 1) / Math.Max(1, living.Length);

    private int Surplus(GroupInfo group, int count)
    {
        if (living.Length < 2) return 0;
        int most = Most(group);
        if (count != most) return Math.Max(0, count - most);
        int least = living.Where(name => name != Self).Min(name => group.Partitions.Count(partition => partition.Owner == name));
        return count - least - group.Partitions.Count(IsFree) >= 2 ? 1 : 0;
    }

    private bool IsStuck(OwnedPartition partition)
    {
        int underWay = partition.UnderWay;
        if (!leaving.TryGetValue(partition.Number, out var known) || known.UnderWay != underWay)
        {
            leaving[partition.Number] = (underWay, core.Time.GetTimestamp());
            return false;
        }
        return core.Time.GetElapsedTime(known.Since) >= core.Options.LeaseDuration;
    }
}
