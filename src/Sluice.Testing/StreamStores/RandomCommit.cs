using static Sluice.Testing.Rig;

namespace Sluice.Testing;

/// <summary>Creates valid commits, and applies them to the model.</summary>
internal static class RandomCommit
{
    public static StoreCommit Make(Random random, PartitionModel model, int partition, int number)
    {
        List<SequenceRange> settled = [];
        List<RetryWrite> deferred = [];
        List<DeadLetterWrite> dead = [];
        foreach ((long sequence, EntryModel entry) in model.Outstanding)
            switch (random.Next(8))
            {
                case < 3:
                    settled.Add(new(sequence, sequence));
                    break;
                case 3:
                    deferred.Add(new(sequence, entry.Attempts + 1, random.Next(2) == 0 ? TimeSpan.Zero : 10 * Second));
                    break;
                case 4:
                    deferred.Add(new(sequence, entry.Attempts, null));
                    break;
                case 5:
                    settled.Add(new(sequence, sequence));
                    dead.Add(new(sequence, "node", "failed", entry.Attempts + 1));
                    break;
            }
        return new(model.Owner(partition), model.LastCommit + 1)
        {
            Settled = Merge(random, settled),
            Deferred = deferred,
            Dead = dead,
            Outputs = random.Next(2) == 0 ? [new(Results, Batch($"r{number}"))] : [],
            Derived = random.Next(5) == 0 ? Batch($"d{number}") : null,
            State = [new("node", $"k{random.Next(4)}", 0, random.Next(4) == 0 ? null : Bytes($"v{number}"))],
        };
    }

    public static void Apply(StoreCommit commit, PartitionModel model, TimeSpan now, int number)
    {
        foreach (SequenceRange range in commit.Settled)
            for (long sequence = range.First; sequence <= range.Last; sequence++) model.Entries[sequence].Fate = Fate.Ended;
        foreach (RetryWrite deferral in commit.Deferred)
        {
            EntryModel entry = model.Entries[deferral.Sequence];
            (entry.LeftOrder, entry.IsAlone, entry.Attempts) = (true, false, deferral.Attempts);
            entry.Fate = deferral.After is null ? Fate.Parked : Fate.Retrying;
            entry.Due = now + (deferral.After ?? default);
        }
        if (commit.Derived is not null) model.AddOwn($"d{number}", now);
        foreach (StateRow row in commit.State)
            if (row.Value is { } value) model.State[row.Key] = System.Text.Encoding.UTF8.GetString(value.Span);
            else model.State.Remove(row.Key);
        model.LastCommit = commit.Sequence;
    }

    // Joins neighbours in some cases, so that both forms are tested.
    private static List<SequenceRange> Merge(Random random, List<SequenceRange> single)
    {
        List<SequenceRange> merged = [];
        foreach (SequenceRange range in single)
            if (merged.Count > 0 && merged[^1].Last + 1 == range.First && random.Next(3) > 0)
                merged[^1] = merged[^1] with { Last = range.Last };
            else merged.Add(range);
        return merged;
    }
}
