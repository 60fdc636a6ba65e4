namespace Sluice;

/// <summary>
/// Who waits in a partition, by key: while an item of a key waits to be tried again, all later ones of that key wait behind it, so that their order holds. Without
/// keys, the partition is one key.
/// </summary>
/// <remarks>Used by whoever drives the partition: the pump between epochs, the committer at their end.</remarks>
internal sealed class KeyOrder
{
    private readonly Dictionary<ulong, SortedDictionary<long, Waiting>> keys = [];
    private readonly ConsecutorCore core;

    /// <param name="core">The consecutor.</param>
    /// <param name="waiting">The entries that wait, as the store has them.</param>
    /// <param name="now">The store's time: it has stamped when they are due, and this machine's clock may be days away from it.</param>
    public KeyOrder(ConsecutorCore core, IEnumerable<WaitingEntry> waiting, DateTimeOffset now)
    {
        this.core = core;
        foreach (WaitingEntry entry in waiting)
        {
            // One that is parked was unparked when the partition was taken, unless it is meant for other code.
            TimeSpan? after = entry.State != WaitingStatus.Parked || CodeVersionGate.Why(core, entry.Entry.CodeVersion, entry.Node) is null ? (entry.Due ?? now) - now : null;
            Add(entry.Entry.Sequence, KeyOf(entry.Entry), entry.Attempts, after, isBehind: false);
        }
    }

    /// <summary>How many wait.</summary>
    public int Count { get; private set; }

    /// <summary>A timestamp: when the first of those that wait, of any key, is to be tried again; null if there is none, or none that is ever.</summary>
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

    /// <summary>The key by which an entry has an order; zero if it has none: it was redriven, or emitted, or accepted without a key.</summary>
    public ulong KeyOf(in Entry entry) => entry.Sequence < 0 ? 0 : core.IsKeyed ? entry.Key.Hash : 1;

    /// <summary>An entry leaves the order for a while.</summary>
    /// <param name="sequence">Which.</param>
    /// <param name="key">Its key.</param>
    /// <param name="attempts">How many are charged to it.</param>
    /// <param name="after">When it is to be tried again; null if it is put aside.</param>
    /// <param name="isBehind">Whether it only waits for another one.</param>
    public void Add(long sequence, ulong key, int attempts, TimeSpan? after, bool isBehind)
    {
        if (key == 0) return;
        var added = new Waiting(attempts, isBehind, after is { } wait ? core.Time.GetTimestamp() + (long)(wait.TotalSeconds * core.Time.TimestampFrequency) : null);
        if (!keys.TryGetValue(key, out SortedDictionary<long, Waiting>? waiting)) keys.Add(key, waiting = []);
        if (waiting.TryAdd(sequence, added)) Count++;
        else waiting[sequence] = added;
    }

    /// <summary>It is leased.</summary>
    public void Remove(long sequence, ulong key)
    {
        if (key == 0 || !keys.TryGetValue(key, out SortedDictionary<long, Waiting>? waiting) || !waiting.Remove(sequence)) return;
        Count--;
        if (waiting.Count == 0) keys.Remove(key);
    }

    /// <summary>The one that an entry has to wait for; null if none.</summary>
    public long? Before(long sequence, ulong key)
    {
        if (key == 0 || !keys.TryGetValue(key, out SortedDictionary<long, Waiting>? waiting)) return null;
        long first = waiting.Keys.First();
        return first < sequence ? first : null;
    }

    /// <summary>Those that wait for nobody any more may go on: they are deferred anew, to be leased at once, in their order.</summary>
    /// <param name="most">How many at most.</param>
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

    /// <summary>They are to be leased again: until then those of their keys wait for them.</summary>
    public void MarkReleased(List<RetryWrite> released)
    {
        if (released.Count == 0) return;
        foreach (SortedDictionary<long, Waiting> waiting in keys.Values)
            foreach (RetryWrite deferral in released)
                if (waiting.TryGetValue(deferral.Sequence, out Waiting one)) waiting[deferral.Sequence] = one with { IsBehind = false, DueAt = core.Time.GetTimestamp() };
    }

    private readonly record struct Waiting(int Attempts, bool IsBehind, long? DueAt);
}
