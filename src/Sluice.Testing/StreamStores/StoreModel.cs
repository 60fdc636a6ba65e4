namespace Sluice.Testing;

/// <summary>The expected state of a partition in a group, in the simplest form: every entry with its fate.</summary>
internal sealed class PartitionModel
{
    public SortedDictionary<long, EntryModel> Entries { get; } = [];
    public SortedDictionary<string, string> State { get; } = new(StringComparer.Ordinal);
    public long Epoch { get; set; }
    public bool IsOwned { get; set; }
    public long LastCommit { get; set; }
    public StoreCommit? LastApplied { get; set; }
    public long Tail { get; set; }
    public long LastOwn { get; set; }
    public Ownership Owner(int partition) => new(Rig.Main, partition, Epoch);

    public IEnumerable<KeyValuePair<long, EntryModel>> Outstanding => Entries.Where(entry => entry.Value.IsOutstanding);

    public void Append(string text) => Entries.Add(++Tail, new(text));

    public void AddOwn(string text, TimeSpan now)
        => Entries.Add(--LastOwn, new(text) { Fate = Fate.Retrying, LeftOrder = true, Due = now });

    public void Take(long epoch)
    {
        if (IsOwned)
            foreach ((_, EntryModel entry) in Entries.Where(entry => entry.Value.Fate == Fate.InFlight))
            {
                if (entry.IsAlone) entry.Attempts++;
                (entry.Fate, entry.LeftOrder, entry.IsAlone) = (Fate.Suspect, true, false);
            }
        IsOwned = true;
        Epoch = epoch;
    }

    public void Release()
    {
        IsOwned = false;
        foreach ((_, EntryModel entry) in Entries.Where(entry => entry.Value.Fate == Fate.InFlight))
            (entry.Fate, entry.IsAlone) = (entry.LeftOrder ? entry.Before : Fate.New, false);
    }

    public List<(long Sequence, string Text, int Attempt)> Lease(TimeSpan now, int max, bool suspects)
    {
        IEnumerable<KeyValuePair<long, EntryModel>> due = Entries.Where(entry => entry.Value.Fate == Fate.Retrying
            && entry.Value.Due <= now)
            .OrderBy(entry => entry.Value.Due).ThenBy(entry => Math.Abs(entry.Key));
        IEnumerable<KeyValuePair<long, EntryModel>> next = suspects
            ? Entries.Where(entry => entry.Value.Fate == Fate.Suspect).Take(1)
            : due.Concat(Entries.Where(entry => entry.Value.Fate == Fate.New)).Take(max);
        List<(long, string, int)> leased = [];
        foreach ((long sequence, EntryModel entry) in next.ToArray())
        {
            (entry.Before, entry.Fate, entry.IsAlone) = (entry.Fate, Fate.InFlight, suspects);
            leased.Add((sequence, entry.Text, entry.Attempts + 1));
        }
        return leased;
    }
}

/// <summary>An entry of the model.</summary>
internal sealed class EntryModel(string text)
{
    public string Text => text;
    public Fate Fate { get; set; }
    public Fate Before { get; set; }
    public bool LeftOrder { get; set; }
    public bool IsAlone { get; set; }
    public int Attempts { get; set; }
    public TimeSpan Due { get; set; }
    public bool IsOutstanding => Fate is not (Fate.New or Fate.Ended);

    public override string ToString() => $"{text} {Fate} {Attempts}";
}

/// <summary>The fate of an entry.</summary>
internal enum Fate
{
    New,
    InFlight,
    Retrying,
    Parked,
    Suspect,
    Ended,
}
