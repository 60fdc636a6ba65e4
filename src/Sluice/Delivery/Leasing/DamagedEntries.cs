namespace Sluice.Delivery;

/// <summary>Decides about leased entries that cannot be read: their partition stops, or they become dead letters.</summary>
/// <remarks>Used by the pump.</remarks>
internal static class DamagedEntries
{
    /// <summary>
    /// Leaves in a lease the entries that may start. Those are the entries before the first damaged one of a partition. With <see
    /// cref="DamagePolicy.DeadLetter"/> those are all entries, with an empty entry for each damaged one, whose root fails at once.
    /// </summary>
    public static LeaseResult Sort(LeaseResult lease, OwnedPartitions partitions, StoppedPartitions stopped, DamagePolicy policy)
    {
        if (lease.Damaged.Count == 0) return lease;
        List<LeasedBatch> batches = [.. lease.Batches];
        foreach (IGrouping<Ownership, LeaseDamage> damaged in lease.Damaged.GroupBy(static damage => damage.Owner))
        {
            int at = batches.FindIndex(batch => batch.Owner == damaged.Key);
            ReadOnlyMemory<Entry> entries = at < 0 ? default : batches[at].Entries;
            if (at >= 0) batches.RemoveAt(at);
            else at = batches.Count;
            if (Array.Find(partitions.Owned, owned => owned.Owner == damaged.Key) is not { } partition) continue;
            Entry[] left = policy == DamagePolicy.DeadLetter ? Mark(partition, entries, damaged)
                : Stop(stopped, partition, entries, damaged);
            if (left.Length > 0) batches.Insert(at, new(damaged.Key, left));
        }
        return lease with { Batches = batches };
    }

    private static Entry[] Mark(OwnedPartition partition, ReadOnlyMemory<Entry> entries, IEnumerable<LeaseDamage> damaged)
    {
        List<Entry> all = [.. entries.Span];
        foreach (LeaseDamage damage in damaged)
            for (long sequence = damage.Entries.First; sequence <= damage.Entries.Last; sequence++)
            {
                partition.Damaged[sequence] = damage;
                all.Add(new() { Sequence = sequence, Attempt = damage.Attempt });
            }
        return [.. all];
    }

    private static Entry[] Stop(StoppedPartitions stopped, OwnedPartition partition, ReadOnlyMemory<Entry> entries,
        IEnumerable<LeaseDamage> damaged)
    {
        LeaseDamage first = damaged.MinBy(static damage => damage.Entries.First)!;
        stopped.Stop(partition, first);
        return [.. entries.ToArray().Where(entry => entry.Sequence < first.Entries.First)];
    }
}
