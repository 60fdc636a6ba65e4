namespace Sluice;

/// <summary>What becomes of entries that were leased and cannot be read.</summary>
internal static class DamagedEntries
{
    /// <summary>Leaves in a lease what may be started: what is before the first damaged entry of a partition; or, with <see cref="DamagePolicy.DeadLetter"/>, everything, with an empty entry for each that is damaged, whose root fails at once.</summary>
    public static LeaseResult Sort(ConsecutorCore core, LeaseResult lease)
    {
        if (lease.Damaged.Count == 0) return lease;
        List<LeasedBatch> batches = [.. lease.Batches];
        foreach (IGrouping<Ownership, LeaseDamage> damaged in lease.Damaged.GroupBy(static damage => damage.Owner))
        {
            int at = batches.FindIndex(batch => batch.Owner == damaged.Key);
            ReadOnlyMemory<Entry> entries = at < 0 ? default : batches[at].Entries;
            if (at >= 0) batches.RemoveAt(at);
            else at = batches.Count;
            if (Array.Find(core.Owned, owned => owned.Owner == damaged.Key) is not { } partition) continue;
            Entry[] left = core.Options.OnDamage == DamagePolicy.DeadLetter ? Mark(partition, entries, damaged) : Stop(core, partition, entries, damaged);
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

    private static Entry[] Stop(ConsecutorCore core, OwnedPartition partition, ReadOnlyMemory<Entry> entries, IEnumerable<LeaseDamage> damaged)
    {
        LeaseDamage first = damaged.MinBy(static damage => damage.Entries.First)!;
        core.Stopped.Stop(partition, first);
        return [.. entries.ToArray().Where(entry => entry.Sequence < first.Entries.First)];
    }
}
