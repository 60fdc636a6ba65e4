namespace Sluice.Delivery;

/// <summary>The order of a partition by key: while an item of a key waits for its retry, all later items of that key wait behind it.
/// Without keys, the partition counts as one key.</summary>
/// <remarks>
/// Not thread-safe: used by the pump between rounds, and by the committer at their end. The time of a call does not depend on the number of
/// keys that wait, but for the logarithm.
/// </remarks>
internal sealed class KeyOrder
{
    private readonly Dictionary<ulong, Line> keys = [];
    // Of the first entry of each key: when it is due, and whether nothing is before it any more.
    private readonly SortedSet<(long DueAt, ulong Key)> due = [];
    private readonly HashSet<ulong> free = [];
    private readonly List<(long Sequence, ulong Key)> released = [];
    private readonly ConsecutorStream stream;
    private readonly TimeProvider time;

    /// <param name="versions">Finds the items that need other code.</param>
    /// <param name="stream">Says whether items have keys.</param>
    /// <param name="time">The clock.</param>
    /// <param name="waiting">The waiting entries, as stored.</param>
    /// <param name="now">The time of the store, which stamped the due times; the clock of this machine may be days away from it.</param>
    public KeyOrder(CodeVersionGate versions, ConsecutorStream stream, TimeProvider time, IEnumerable<WaitingEntry> waiting,
        DateTimeOffset now)
    {
        (this.stream, this.time) = (stream, time);
        foreach (WaitingEntry entry in waiting)
        {
            // A parked entry was unparked when the partition was acquired, unless it needs other code.
            TimeSpan? after = entry.Status != WaitingStatus.Parked || versions.Why(entry) is null
                ? (entry.Due ?? now) - now : null;
            EntryHeaders headers = entry.Entry.Headers.IsEmpty ? default : EntryHeaders.Read(entry.Entry.Headers.Span);
            Add(entry.Entry.Sequence, KeyOf(entry.Entry, headers), entry.Attempts, after, isBehind: false);
        }
    }

    /// <summary>The number of waiting entries.</summary>
    public int Count { get; private set; }

    /// <summary>The timestamp of the earliest retry of any key; null if no entry waits for a retry.</summary>
    public long? RetryAt => due.Count > 0 ? due.Min.DueAt : null;

    /// <summary>Counts entries that are due at a time, up to a limit; of each key only those that no entry holds up.</summary>
    public int CountDue(long now, int most)
    {
        int count = 0;
        foreach ((long dueAt, ulong key) in due)
        {
            if (dueAt > now) break;
            foreach (Waiting one in keys[key].Entries.Values)
            {
                if (!(one.DueAt <= now)) break;
                if (++count == most) return count;
            }
        }
        return count;
    }

    /// <summary>Returns the hash of the key by which an entry is ordered; zero if it has no order: it was redriven, emitted, or accepted
    /// without a key, or it is the end of a batch.</summary>
    public ulong KeyOf(in Entry entry, in EntryHeaders headers)
        => entry.Sequence < 0 || headers.EndOf is not null ? 0 : stream.IsKeyed ? entry.Key.Hash : 1;

    /// <summary>Adds an entry that waits.</summary>
    /// <param name="sequence">The sequence number of the entry.</param>
    /// <param name="key">The hash of its key.</param>
    /// <param name="attempts">The attempts that are charged to the entry.</param>
    /// <param name="after">The time until its retry; null if the entry is put aside.</param>
    /// <param name="isBehind">Whether the entry only waits for another one of its key.</param>
    public void Add(long sequence, ulong key, int attempts, TimeSpan? after, bool isBehind)
    {
        if (key == 0) return;
        var added = new Waiting(attempts, isBehind, after is { } wait
            ? time.GetTimestamp() + (long)(wait.TotalSeconds * time.TimestampFrequency) : null);
        if (!keys.TryGetValue(key, out Line? line)) keys.Add(key, line = new());
        if (line.Entries.TryAdd(sequence, added)) Count++;
        else line.Entries[sequence] = added;
        Look(key, line);
    }

    /// <summary>Removes an entry, because it is leased.</summary>
    public void Remove(long sequence, ulong key)
    {
        if (key == 0 || !keys.TryGetValue(key, out Line? line) || !line.Entries.Remove(sequence)) return;
        Count--;
        Look(key, line);
    }

    /// <summary>Removes an entry whose bytes are damaged, and its key lost with them.</summary>
    public void Forget(long sequence)
        => Remove(sequence, keys.FirstOrDefault(line => line.Value.Entries.ContainsKey(sequence)).Key);

    /// <summary>Returns the sequence number of the entry that this one has to wait for; null if there is none.</summary>
    public long? Before(long sequence, ulong key)
    {
        if (key == 0 || !keys.TryGetValue(key, out Line? line)) return null;
        return line.First < sequence ? line.First : null;
    }

    /// <summary>Returns new deferrals for the entries that no longer wait for another one: they are to be leased at once, in their
    /// order.</summary>
    /// <param name="most">The most entries to release.</param>
    public List<RetryWrite> Release(int most)
    {
        released.Clear();
        List<RetryWrite> writes = [];
        foreach (ulong key in free)
        {
            if (writes.Count == most) break;
            foreach ((long sequence, Waiting one) in keys[key].Entries)
            {
                if (!one.IsBehind || writes.Count == most) break;
                writes.Add(new(sequence, one.Attempts, TimeSpan.Zero));
                released.Add((sequence, key));
            }
        }
        return writes;
    }

    /// <summary>Marks the entries of the last <see cref="Release"/> as due, because they are committed: until they are leased, later entries
    /// of their keys wait for them.</summary>
    public void MarkReleased()
    {
        foreach ((long sequence, ulong key) in released)
        {
            if (!keys.TryGetValue(key, out Line? line) || !line.Entries.TryGetValue(sequence, out Waiting one)) continue;
            line.Entries[sequence] = one with { IsBehind = false, DueAt = time.GetTimestamp() };
            Look(key, line);
        }
        released.Clear();
    }

    /// <summary>Makes all retries due earlier by a time.</summary>
    public void MoveAhead(TimeSpan lag)
    {
        long ticks = (long)(lag.TotalSeconds * time.TimestampFrequency);
        foreach ((ulong key, Line line) in keys.ToArray())
        {
            foreach ((long sequence, Waiting one) in line.Entries.ToArray())
                if (one.DueAt is { } at) line.Entries[sequence] = one with { DueAt = at - ticks };
            Look(key, line);
        }
    }

    // After each change of a key's entries.
    private void Look(ulong key, Line line)
    {
        if (line.DueAt is { } before) due.Remove((before, key));
        free.Remove(key);
        if (line.Entries.Count == 0)
        {
            keys.Remove(key);
            return;
        }
        (line.First, Waiting first) = line.Entries.First();
        line.DueAt = first.DueAt;
        if (first.DueAt is { } at) due.Add((at, key));
        if (first.IsBehind) free.Add(key);
    }

    /// <summary>The waiting entries of a key, and what is known of the first.</summary>
    private sealed class Line
    {
        public SortedDictionary<long, Waiting> Entries { get; } = [];
        public long First { get; set; }
        public long? DueAt { get; set; }
    }

    private readonly record struct Waiting(int Attempts, bool IsBehind, long? DueAt);
}
