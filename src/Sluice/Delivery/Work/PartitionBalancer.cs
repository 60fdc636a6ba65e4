namespace Sluice;

/// <summary>Which partitions a member is to have, so that all who live have as many, give or take one: what it takes of what is free, and what it gives to those who have less.</summary>
/// <remarks>
/// <para>Thread-safe. Whoever lives is known by its beats, so members may differ in what they see, for a lease time: then somebody has more than its share for that long.</para>
/// <para>What is to be given rests until nothing of it is under way, and moves then: so the order of its keys holds, and nothing is started twice. If nothing of it ends for a lease time, it
/// stays. What was free for a lease time is taken by anybody: those for whom it was meant do not want it (their code is older, or they are paused), or are slow. Both stay where they are
/// for four lease times, and four times as long each time that it happens again, up to a hundred; or until members come or go.</para>
/// </remarks>
internal sealed class PartitionBalancer(ConsecutorCore core, MemberWatch others)
{
    private const int LeaseTimesKeptAtFirst = 4, LeaseTimesKeptAtMost = 100;

    private readonly Lock sync = new();
    private readonly Dictionary<int, (long Epoch, long Since)> free = [];
    private readonly Dictionary<int, (long Since, int LeaseTimes)> kept = [];           // since when they do not move to others, and for how long; the last time, where that is over
    private readonly Dictionary<int, (int UnderWay, long Since)> leaving = [];
    private readonly Dictionary<int, long> given = [];          // the epochs in which that was
    private string[] living = [];

    private string Self => core.Options.InstanceId;

    /// <summary>Notes who is there, and what nobody has.</summary>
    public void See(GroupInfo group)
    {
        lock (sync)
        {
            string[] now = [.. group.Members.Select(static member => member.Name).Where(name => name != Self && !others.IsSilent(name)).Append(Self).Order(StringComparer.Ordinal)];
            if (!now.AsSpan().SequenceEqual(living)) kept.Clear();
            living = now;
            foreach (PartitionInfo partition in group.Partitions)
            {
                if (!IsFree(partition)) free.Remove(partition.Partition);
                else if (!free.TryGetValue(partition.Partition, out var known) || known.Epoch != partition.Epoch) free[partition.Partition] = (partition.Epoch, core.Time.GetTimestamp());
            }
        }
    }

    /// <summary>What to take now.</summary>
    /// <param name="group">As it was seen last.</param>
    /// <param name="onlyOwn">Nothing but what is this member's already, and it does not know: nobody else would ever take that.</param>
    public List<PartitionInfo> ToTake(GroupInfo group, bool onlyOwn)
    {
        lock (sync)
        {
            OwnedPartition[] owned = core.Owned;
            PartitionInfo[] open = [.. group.Partitions.Where(partition => core.Stopped.IsDue(partition.Partition) && !Array.Exists(owned, own => own.Number == partition.Partition))];
            List<PartitionInfo> take = [.. open.Where(partition => partition.Owner == Self && given.GetValueOrDefault(partition.Partition) != partition.Epoch)];
            if (onlyOwn) return take;
            PartitionInfo[] available = Array.FindAll(open, IsFree);
            int room = core.SinksWait ? available.Length : Math.Clamp(Most(group) - owned.Length - take.Count, 0, available.Length);

            // Not all of them begin with the same one.
            int first = available.Length * Array.IndexOf(living, Self) / Math.Max(1, living.Length);
            for (int i = 0; i < available.Length; i++)
            {
                PartitionInfo partition = available[(first + i) % available.Length];
                if (i >= room)
                {
                    if (!free.TryGetValue(partition.Partition, out var known) || core.Time.GetElapsedTime(known.Since) < core.Options.LeaseDuration) continue;
                    Keep(partition.Partition);
                }
                take.Add(partition);
            }
            return take;
        }
    }

    /// <summary>Chooses what is to leave, or to stay after all: <see cref="OwnedPartition.IsLeaving"/>.</summary>
    public void Choose(GroupInfo group)
    {
        bool isAnyStaying = false;
        lock (sync)
        {
            OwnedPartition[] owned = core.Owned;
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
                .Where(partition => !partition.IsLeaving && !IsKept(partition.Number) && partition.FileLengths.Count == 0)          // a file is written by one member
                .OrderBy(static partition => partition.UnderWay).ThenByDescending(static partition => partition.Number)
                .Take(surplus - going))
            {
                leaving[partition.Number] = (partition.UnderWay, core.Time.GetTimestamp());
                partition.IsLeaving = true;
            }
        }
        if (isAnyStaying) core.Changed();
    }

    /// <summary>The store is another one, or has gone back: what is its own there is not what it has given away.</summary>
    public void Forget()
    {
        lock (sync) given.Clear();
    }

    /// <summary>Gives away what is to leave and has nothing under way. While nothing is taken.</summary>
    public async Task GiveAsync()
    {
        foreach (OwnedPartition partition in core.Owned)
        {
            if (!partition.IsLeaving || !core.Books.TryVoid(partition, core.Epochs is { } epochs ? epochs.IsResting : null)) continue;
            lock (sync) given[partition.Number] = partition.Owner.Epoch;          // who has seen the group before would take it for its own
            core.Lose(partition);                    // first: what is leased from here on is not begun, and goes back with it
            try
            {
                await core.Store.ReleaseAsync(partition.Owner, core.Life).ConfigureAwait(false);
            }
            catch
            {
                lock (sync) given.Remove(partition.Number);          // it may still be its own
                throw;
            }
        }
    }

    /// <summary>A partition whose owner, if any, has not been heard of: a commit of it may be under way, and the lengths of files that it has committed are not known here. Null if there is none.</summary>
    public PartitionInfo? FindUnknown(GroupInfo group)
    {
        OwnedPartition[] owned = core.Owned;
        foreach (PartitionInfo partition in group.Partitions)
        {
            if (Array.Exists(owned, own => own.Number == partition.Partition)) continue;
            if (partition.Owner is not { } owner || owner == Self || !others.HasBeenHeard(owner)) return partition;
        }
        return null;
    }

    private bool IsFree(PartitionInfo partition) => partition.Owner != Self && (partition.Owner is null || others.IsSilent(partition.Owner));

    private void Keep(int partition)
    {
        int leaseTimes = kept.TryGetValue(partition, out var last) ? Math.Min(4 * last.LeaseTimes, LeaseTimesKeptAtMost) : LeaseTimesKeptAtFirst;
        kept[partition] = (core.Time.GetTimestamp(), leaseTimes);
    }

    private bool IsKept(int partition) => kept.TryGetValue(partition, out var last) && core.Time.GetElapsedTime(last.Since) < core.Options.LeaseDuration * last.LeaseTimes;

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
