namespace Sluice.Delivery;

/// <summary>The order of a partition by key: while an item of a key waits for its retry, all later items of that key wait behind it.
/// Without keys, the partition counts as one key.</summary>
/// <remarks>Not thread-safe: used by the pump between rounds, and by the committer at their end.</remarks>
internal sealed class KeyOrder
{
    private readonly Dictionary<ulong, SortedDictionary<long, Waiting>> keys = [];
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
    public long? RetryAt
    {
        get
        {
            long? first = null;
            foreach (SortedDictionary<long, Waiting> waiting in keys.Values)
                if (waiting.Values.First().DueAt is { } due && (first is null || due < first)) first = due;
            return first;
        }
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
        if (!keys.TryGetValue(key, out SortedDictionary<long, Waiting>? waiting)) keys.Add(key, waiting = []);
        if (waiting.TryAdd(sequence, added)) Count++;
        else waiting[sequence] = added;
    }

    /// <summary>Removes an entry, because it is leased.</summary>
    public void Remove(long sequence, ulong key)
    {
        if (key == 0 || !keys.TryGetValue(key, out SortedDictionary<long, Waiting>? waiting) || !waiting.Remove(sequence)) return;
        Count--;
        if (waiting.Count == 0) keys.Remove(key);
    }

    /// <summary>Removes an entry whose bytes are damaged, and its key lost with them.</summary>
    public void Forget(long sequence)
        => Remove(sequence, keys.FirstOrDefault(waiting => waiting.Value.ContainsKey(sequence)).Key);

    /// <summary>Returns the sequence number of the entry that this one has to wait for; null if there is none.</summary>
    public long? Before(long sequence, ulong key)
    {
        if (key == 0 || !keys.TryGetValue(key, out SortedDictionary<long, Waiting>? waiting)) return null;
        long first = waiting.Keys.First();
        return first < sequence ? first : null;
    }

    /// <summary>Returns new deferrals for the entries that no longer wait for another one: they are to be leased at once, in their
    /// order.</summary>
    /// <param name="most">The most entries to release.</param>
    public List<RetryWrite> Release(int most)
    {
        List<RetryWrite> released = [];
        foreach (SortedDictionary<long, Waiting> waiting in keys.Values)
        {
            if (released.Count == most) break;
            foreach ((long sequence, Waiting one) in waiting)
            {
                if (!one.IsBehind || released.Count == most) break;
                released.Add(new(sequence, one.Attempts, TimeSpan.Zero));
            }
        }
        return released;
    }

    /// <summary>Marks released entries as due: until they are leased, later entries of their keys wait for them.</summary>
    public void MarkReleased(List<RetryWrite> released)
    {
        if (released.Count == 0) return;
        foreach (SortedDictionary<long, Waiting> waiting in keys.Values)
            foreach (RetryWrite deferral in released)
                if (waiting.TryGetValue(deferral.Sequence, out Waiting one))
                    waiting[deferral.Sequence] = one with { IsBehind = false, DueAt = time.GetTimestamp() };
    }

    private readonly record struct Waiting(int Attempts, bool IsBehind, long? DueAt);
}
