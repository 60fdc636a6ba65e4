namespace Sluice.Membership;

/// <summary>
/// Decides which partitions of a group a member acquires and which it releases, so that living members own equal numbers, plus or minus
/// one. Consecutors and flows use it.
/// </summary>
/// <remarks>
/// <para>Locking rule: all fields are under <c>sync</c>. Under <c>sync</c>, this class calls the clock and the <see cref="MemberWatch"/>,
/// and nothing else. Any thread may call.</para>
/// <para>Members know each other by heartbeats. So for a lease duration they may see different groups, and one may own more than its
/// share. No member acquires a partition of a living member.</para>
/// <para>A surplus partition is released once the caller has no work in flight there. If no work of it ends for a lease duration (flows:
/// longer), the partition stays, and another one leaves instead. A member that has released a partition leaves free ones to members that
/// own fewer: two members that release at once would otherwise acquire each other's, again and again.</para>
/// <para>A partition that was free for a lease duration is acquired by any member: the member with room may be paused, slow, or run older
/// code. Then it stays beyond the share, and no other one leaves for it. Partitions that stay, do so for four lease durations, four times
/// as long at each repetition, up to a hundred; or until members come or go.</para>
/// <para>While the group is draining, members acquire nothing, and release every partition that may leave once it has no work in flight,
/// however long that takes.</para>
/// </remarks>
/// <param name="self">The name of the member.</param>
/// <param name="others">Decides which other members are alive.</param>
/// <param name="leaseDuration">The lease duration of the member.</param>
/// <param name="time">The clock, which must be monotonic.</param>
/// <param name="leaseTimesStuck">The lease durations after which a surplus partition stays if none of its work has ended.</param>
internal sealed class PartitionShare(string self, MemberWatch others, TimeSpan leaseDuration, TimeProvider time, int leaseTimesStuck = 1)
{
    private const int LeaseTimesKeptAtFirst = 4, LeaseTimesKeptAtMost = 100;
    // Longer than the lease duration for which a partition must be free, so that this member then keeps it instead of releasing it again.
    private const int LeaseTimesYielding = 2;

    private readonly Lock sync = new();
    private readonly Dictionary<int, (long Epoch, long Since)> free = [];
    // since when they stay, for how long, and whether beyond the share; also when that is over
    private readonly Dictionary<int, (long Since, int LeaseTimes, bool IsBeyond)> kept = [];
    private readonly HashSet<int> beyond = [];       // to be acquired beyond the share; kept once they are owned
    private readonly Dictionary<int, (int InFlight, long Since)> leaving = [];
    private readonly Dictionary<int, long> released = [];          // the epochs in which this member released partitions
    private long? releasedAt;                        // when this member last released a partition for another one, if ever
    private string[] living = [];
    private GroupInfo? seen;

    /// <summary>Notes the heartbeats of the members, the living members, and the free partitions.</summary>
    /// <param name="group">The group.</param>
    /// <param name="askedAt">A timestamp from before the call that returned the group.</param>
    public void See(GroupInfo group, long askedAt)
    {
        others.See(group, askedAt);
        lock (sync)
        {
            string[] now = [.. group.Members.Select(static member => member.Name).Where(name => name != self && !others.IsSilent(name))
                .Append(self).Order(StringComparer.Ordinal)];
            bool haveOthersCome = !now.AsSpan().SequenceEqual(living);
            (living, seen) = (now, group);
            if (haveOthersCome) releasedAt = null;   // the shares are others
            foreach (PartitionInfo partition in group.Partitions)
            {
                bool isFree = IsFree(partition);
                // This member keeps partitions beyond its share for members that are too slow to acquire them. If another member owns the
                // partition, that member is not too slow; if members have come or gone, the shares are others.
                if (haveOthersCome || (partition.Owner != self && !isFree)) Forget(partition.Partition);
                if (!isFree) free.Remove(partition.Partition);
                else if (!free.TryGetValue(partition.Partition, out var known) || known.Epoch != partition.Epoch)
                    free[partition.Partition] = (partition.Epoch, time.GetTimestamp());
            }
        }
    }

    /// <summary>Returns the partitions to acquire now.</summary>
    /// <param name="group">The group as it was seen last.</param>
    /// <param name="owned">The partitions that the member knows it owns.</param>
    /// <param name="scope">The partitions that it may acquire.</param>
    /// <param name="mayAcquire">Whether the member may try to acquire a partition now; null allows all.</param>
    public List<PartitionInfo> ToAcquire(GroupInfo group, IReadOnlyCollection<int> owned, AcquireScope scope = AcquireScope.Share,
        Func<int, bool>? mayAcquire = null)
    {
        PartitionInfo[] open = [.. group.Partitions.Where(partition => !owned.Contains(partition.Partition)
            && mayAcquire?.Invoke(partition.Partition) != false)];
        lock (sync)
        {
            List<PartitionInfo> acquire = [.. open.Where(IsOwnWithoutKnowledge)];
            if (scope == AcquireScope.Own || group.IsDraining) return acquire;
            PartitionInfo[] available = Array.FindAll(open, IsFree);
            int room = scope == AcquireScope.All ? available.Length
                : Math.Clamp(Most(group) - owned.Count - acquire.Count, 0, available.Length);
            if (scope == AcquireScope.Share && IsYielding(group, owned.Count + acquire.Count)) room = 0;

            // Members begin with different partitions.
            int first = available.Length * Math.Max(0, Array.IndexOf(living, self)) / Math.Max(1, living.Length);
            for (int i = 0; i < available.Length; i++)
            {
                PartitionInfo partition = available[(first + i) % available.Length];
                if (i >= room)
                {
                    if (!free.TryGetValue(partition.Partition, out var known) || time.GetElapsedTime(known.Since) < leaseDuration) continue;
                    beyond.Add(partition.Partition);
                }
                else beyond.Remove(partition.Partition);
                acquire.Add(partition);
            }
            return acquire;
        }
    }

    /// <summary>
    /// Whether a partition that <see cref="ToAcquire"/> returned has no living owner still: the owner may have sent a heartbeat since.
    /// </summary>
    public bool IsStillFree(PartitionInfo partition) => partition.Owner == self || IsFree(partition);

    /// <summary>
    /// Whether there may soon be a free partition for this member: one was free, another member has too many, or this member has lost
    /// one since it saw the group. While this is so, a change of the stream is a reason to look at the group before the next heartbeat.
    /// </summary>
    /// <param name="owned">The number of partitions that the member owns.</param>
    public bool MayGetMore(int owned)
    {
        lock (sync)
        {
            if (seen is null || owned >= Most(seen)) return false;    // also while it drains: its end is such a change
            int limit = Math.Min(Most(seen), owned + 1);
            return owned < CountOf(seen, self) || seen.Partitions.Any(IsFree)
                || living.Any(name => name != self && CountOf(seen, name) > limit);
        }
    }

    /// <summary>Returns the partitions to release: at once, or when their work has ended. All others stay.</summary>
    /// <param name="group">The group as it was seen last.</param>
    /// <param name="owned">All partitions that the member owns.</param>
    public HashSet<int> ToRelease(GroupInfo group, IReadOnlyCollection<PartitionInUse> owned)
    {
        if (group.IsDraining) return [.. owned.Where(static partition => partition.MayLeave).Select(static partition => partition.Number)];
        lock (sync)
        {
            foreach (PartitionInUse partition in owned)
                if (beyond.Remove(partition.Number)) Keep(partition.Number, isBeyond: true);
            int surplus = Surplus(group, owned.Count)
                - owned.Count(partition => IsKept(partition.Number) && kept[partition.Number].IsBeyond);
            HashSet<int> release = [];
            foreach (PartitionInUse partition in owned)
            {
                if (partition is not { IsLeaving: true, MayLeave: true }) continue;
                if (IsStuck(partition)) Keep(partition.Number, isBeyond: false);
                else if (release.Count < surplus) release.Add(partition.Number);
            }
            foreach (PartitionInUse partition in owned
                .Where(partition => partition is { IsLeaving: false, MayLeave: true } && !IsKept(partition.Number))
                .OrderBy(static partition => partition.InFlight).ThenByDescending(static partition => partition.Number)
                .Take(surplus - release.Count).ToArray())
            {
                leaving[partition.Number] = (partition.InFlight, time.GetTimestamp());
                release.Add(partition.Number);
            }
            return release;
        }
    }

    /// <summary>Notes that this member releases a partition. Called before the release: a caller with an older view of the group would
    /// acquire it again.</summary>
    public void NoteRelease(Ownership owner)
    {
        lock (sync)
        {
            released[owner.Partition] = owner.Epoch;
            if (seen?.IsDraining != true) releasedAt = time.GetTimestamp();
        }
    }

    /// <summary>Notes that a release failed: this member may still own the partition.</summary>
    public void NoteFailedRelease(Ownership owner)
    {
        lock (sync) released.Remove(owner.Partition);
    }

    /// <summary>Forgets the released partitions: the store is another one, or has gone back.</summary>
    public void ForgetReleases()
    {
        lock (sync) released.Clear();
    }

    /// <summary>An answer was lost, or the member began anew. No other member would acquire such a partition.</summary>
    private bool IsOwnWithoutKnowledge(PartitionInfo partition)
        => partition.Owner == self && released.GetValueOrDefault(partition.Partition) != partition.Epoch;

    private bool IsFree(PartitionInfo partition) => partition.Owner != self
        && (partition.Owner is null || others.IsSilent(partition.Owner));

    /// <summary>Whether free partitions are for another member: this one has released a partition lately, and the other one owns fewer.
    /// </summary>
    private bool IsYielding(GroupInfo group, int count) => releasedAt is { } at
        && time.GetElapsedTime(at) < leaseDuration * LeaseTimesYielding
        && living.Any(name => name != self && CountOf(group, name) < count);

    private void Forget(int partition)
    {
        beyond.Remove(partition);
        kept.Remove(partition);
    }

    private void Keep(int partition, bool isBeyond)
    {
        int leaseTimes = kept.TryGetValue(partition, out var last) ? Math.Min(4 * last.LeaseTimes, LeaseTimesKeptAtMost)
            : LeaseTimesKeptAtFirst;
        kept[partition] = (time.GetTimestamp(), leaseTimes, isBeyond);
    }

    private bool IsKept(int partition) => kept.TryGetValue(partition, out var last)
        && time.GetElapsedTime(last.Since) < leaseDuration * last.LeaseTimes;

    private int Most(GroupInfo group) => (group.Partitions.Count + living.Length - 1) / Math.Max(1, living.Length);

    private static int CountOf(GroupInfo group, string member) => group.Partitions.Count(partition => partition.Owner == member);

    private int Surplus(GroupInfo group, int count)
    {
        if (living.Length < 2) return 0;
        int most = Most(group);
        if (count != most) return Math.Max(0, count - most);
        int least = living.Where(name => name != self).Min(name => CountOf(group, name));
        return count - least - group.Partitions.Count(IsFree) >= 2 ? 1 : 0;
    }

    private bool IsStuck(PartitionInUse partition)
    {
        if (!leaving.TryGetValue(partition.Number, out var known) || known.InFlight != partition.InFlight)
        {
            leaving[partition.Number] = (partition.InFlight, time.GetTimestamp());
            return false;
        }
        return time.GetElapsedTime(known.Since) >= leaseDuration * leaseTimesStuck;
    }
}

/// <summary>The partitions that a member may acquire.</summary>
internal enum AcquireScope
{
    /// <summary>Its share of the free partitions, and those that were free for a lease duration.</summary>
    Share,

    /// <summary>Only partitions that the store says it owns without its knowledge.</summary>
    Own,

    /// <summary>All free partitions.</summary>
    All,
}

/// <summary>A partition that a member owns, as <see cref="PartitionShare"/> needs to know it.</summary>
/// <param name="Number">Its number.</param>
/// <param name="InFlight">The number of items or runs in flight.</param>
/// <param name="IsLeaving">Whether it was chosen before, and is released when nothing of it is in flight.</param>
/// <param name="MayLeave">Whether it may be chosen.</param>
internal readonly record struct PartitionInUse(int Number, int InFlight, bool IsLeaving, bool MayLeave);
