namespace Sluice.Storage;

/// <summary>
/// The state of a partition in a group. An entry is outstanding if it has a row, or is above <see cref="Done"/>, up to
/// <see cref="Dispatched"/>, and not in <c>ended</c>; then it is in flight for the first time. Used under the store's lock.
/// </summary>
internal sealed class StoredPartition(int number, PartitionLog log, long start)
{
    private readonly SortedDictionary<long, StoredRow> rows = [];
    private readonly SortedSet<(DateTimeOffset Due, long Order, long Sequence)> due = [];
    private readonly HashSet<long> ended = [];       // above Done
    private long lastOwn;                            // the last sequence of the group's own entries; negative

    public PartitionLog Log => log;
    public long Epoch { get; set; }
    public string? Owner { get; set; }
    public int OwnerVersion { get; set; }
    public string? OwnerInstance { get; set; }
    public int Version { get; set; }
    public long Dispatched { get; private set; } = start;
    public long Done { get; private set; } = start;
    public long LastCommit { get; set; }
    public long LastCommitEpoch { get; set; }
    public PartitionFence Fence => new(Epoch, Owner is not null, LastCommitEpoch, LastCommit);
    public SortedDictionary<string, long> FileLengths { get; } = new(StringComparer.Ordinal);
    public Dictionary<string, SortedDictionary<string, StateRow>> State { get; } = new(StringComparer.Ordinal);
    // By object: a stream that is made anew under the name of a deleted one has no old reservations.
    public Dictionary<StoredStream, Backlog> Reserved { get; } = [];
    public IReadOnlyDictionary<long, StoredRow> Rows => rows;
    public bool IsEmpty => rows.Count == 0 && Done == log.Tail;
    public DateTimeOffset? NextDue => due.Count == 0 ? null : due.Min.Due;

    public PartitionInfo Info()
    {
        int waiting = rows.Values.Count(row => row.State != WaitingStatus.InFlight);
        return new(number, Epoch, Owner, Version, log.Tail, Dispatched, Done, waiting) { InFlightAgain = rows.Count - waiting };
    }

    public bool IsOutstanding(long sequence)
        => rows.ContainsKey(sequence) || (sequence > Done && sequence <= Dispatched && !ended.Contains(sequence));

    public bool AreOutstanding(SequenceRange range)
    {
        if (rows.Count == 0 && ended.Count == 0) return range.First > Done && range.Last <= Dispatched;
        for (long sequence = range.First; sequence <= range.Last; sequence++) if (!IsOutstanding(sequence)) return false;
        return true;
    }

    /// <summary>Outstanding entries by sequence, including those in flight for the first time.</summary>
    public IEnumerable<WaitingEntry> Outstanding(long? after, int max) => rows.Values.Select(row => row.Show(withPayload: true))
        .Concat(InFlight().Select(sequence => new WaitingEntry(log.Read(sequence), WaitingStatus.InFlight, 0, null, "", "")))
        .Where(entry => after is null || entry.Entry.Sequence > after).OrderBy(entry => entry.Entry.Sequence).Take(max);

    public Entry Read(long sequence) => rows.TryGetValue(sequence, out StoredRow? row) ? row.Entry : log.Read(sequence);

    /// <summary>Ends outstanding entries.</summary>
    /// <returns>The size of their payloads and headers, in bytes.</returns>
    public long End(SequenceRange range)
    {
        long bytes = 0;
        if (rows.Count == 0 && ended.Count == 0 && range.First == Done + 1)
        {
            bytes = log.BytesOf(range.First, range.Last);
            Done = range.Last;
            return bytes;
        }
        for (long sequence = range.First; sequence <= range.Last; sequence++)
        {
            if (rows.Remove(sequence, out StoredRow? row))
            {
                Unschedule(row);
                bytes += row.Length;
            }
            else
            {
                bytes += log.LengthOf(sequence);
            }
            if (sequence > Done) ended.Add(sequence);
        }
        Advance();
        return bytes;
    }

    /// <summary>Defers an outstanding entry until a time, or parks it.</summary>
    public void Defer(RetryWrite deferral, DateTimeOffset now)
    {
        StoredRow row = RowOf(deferral.Sequence);
        Unschedule(row);
        (row.Attempts, row.Node, row.Error, row.IsAlone) = (deferral.Attempts, deferral.Node, deferral.Error.Storable(), false);
        row.State = deferral.After is null ? WaitingStatus.Parked : WaitingStatus.Retrying;
        row.Due = now + deferral.After;
        Schedule(row);
        Advance();
    }

    /// <summary>Adds an entry of the group's own (derived or redriven).</summary>
    public void AddOwn(in Entry entry, DateTimeOffset now)
    {
        var row = new StoredRow(Copy(entry with { Sequence = --lastOwn })) { State = WaitingStatus.Retrying, Due = now };
        rows.Add(lastOwn, row);
        Schedule(row);
    }

    /// <summary>Leases the first due retry, or else the next new entry; leases nothing if that entry is too long.</summary>
    /// <param name="now">The store's time.</param>
    /// <param name="room">The maximum size in bytes.</param>
    /// <param name="entry">The leased entry.</param>
    /// <param name="damage">The damage of the entry; null if there is none.</param>
    public bool TryLease(DateTimeOffset now, long room, out Entry entry, out string? damage)
    {
        (entry, damage) = (default, null);
        if (due.Count > 0 && due.Min.Due <= now)
        {
            StoredRow row = rows[due.Min.Sequence];
            if (row.Length > room) return false;
            (entry, damage) = (Lease(row), row.Damage);
            return true;
        }
        if (ended.Count + rows.Count > 0) SkipWhatWasGivenBack();
        if (Dispatched == log.Tail || log.LengthOf(Dispatched + 1) > room) return false;
        (entry, damage) = log.TryRead(++Dispatched);
        entry = entry with { Attempt = 1 };
        return true;
    }

    /// <summary>Leases one suspect to run alone.</summary>
    public bool TryLeaseSuspect(out Entry entry, out string? damage)
    {
        (entry, damage) = (default, null);
        if (rows.Values.FirstOrDefault(row => row.State == WaitingStatus.Suspect) is not { } row) return false;
        (entry, damage) = (Lease(row), row.Damage);
        row.IsAlone = true;
        return true;
    }

    /// <summary>Turns entries in flight into suspects: their owner did not release the partition.</summary>
    /// <param name="isAlive">Whether the same instance acquires the partition again: then no entry has killed it.</param>
    public void Suspect(bool isAlive)
    {
        foreach (long sequence in InFlight().ToArray()) RowOf(sequence).State = WaitingStatus.InFlight;
        foreach (StoredRow row in rows.Values.Where(row => row.State == WaitingStatus.InFlight))
        {
            if (row.IsAlone && !isAlive) row.Attempts++;
            (row.State, row.IsAlone, row.Due) = (WaitingStatus.Suspect, false, null);
        }
        Advance();
    }

    /// <summary>Returns entries in flight to their state before the lease.</summary>
    public void GiveBack()
    {
        foreach (StoredRow row in rows.Values.Where(row => row.State == WaitingStatus.InFlight))
        {
            (row.State, row.IsAlone) = (row.Before, false);
            Schedule(row);
        }
        foreach (long sequence in InFlight().Take(1)) Dispatched = sequence - 1;
    }

    // Entries in flight for the first time, which have no row.
    private IEnumerable<long> InFlight()
    {
        for (long sequence = Done + 1; sequence <= Dispatched; sequence++)
            if (!ended.Contains(sequence) && !rows.ContainsKey(sequence)) yield return sequence;
    }

    // After a release, Dispatched stands before entries that have ended or got a row since.
    private void SkipWhatWasGivenBack()
    {
        long before = Dispatched;
        while (Dispatched < log.Tail && (ended.Contains(Dispatched + 1) || rows.ContainsKey(Dispatched + 1))) Dispatched++;
        if (Dispatched > before) Advance();
    }

    private Entry Lease(StoredRow row)
    {
        Unschedule(row);
        (row.Before, row.State) = (row.State, WaitingStatus.InFlight);
        return row.Entry with { Attempt = row.Attempts + 1 };
    }

    private StoredRow RowOf(long sequence)
    {
        if (rows.TryGetValue(sequence, out StoredRow? row)) return row;
        (Entry entry, string? damage) = log.TryRead(sequence);
        row = new StoredRow(Copy(entry)) { Damage = damage };
        rows.Add(sequence, row);
        return row;
    }

    private void Schedule(StoredRow row)
    {
        if (row.State == WaitingStatus.Retrying) due.Add((row.Due!.Value, Math.Abs(row.Entry.Sequence), row.Entry.Sequence));
    }

    private void Unschedule(StoredRow row)
    {
        if (row.State == WaitingStatus.Retrying) due.Remove((row.Due!.Value, Math.Abs(row.Entry.Sequence), row.Entry.Sequence));
    }

    private void Advance()
    {
        while (Done < Dispatched && (ended.Remove(Done + 1) || rows.ContainsKey(Done + 1))) Done++;
    }

    internal static Entry Copy(in Entry entry) => entry with { Headers = entry.Headers.ToArray(), Payload = entry.Payload.ToArray() };
}
