namespace Sluice.Delivery;

/// <summary>Wakes the pump that hands out items, when something changes that it looks at: room, pauses, partitions.</summary>
/// <remarks>Thread-safe. The pump reads <see cref="Version"/> before it looks, and again before it sleeps. Locking rule: the pause and the
/// time of its news are under <c>sync</c>; the pump is woken outside of it.</remarks>
internal sealed class PumpSignal
{
    private readonly Lock sync = new();
    private volatile bool isLeasing;
    private volatile bool isPaused;
    private DateTimeOffset? pausedAt;                // under sync
    private long learnedAt = long.MinValue;          // under sync: a timestamp of the last news about the pause
    private int version;

    /// <summary>Wakes the pump. Set by the pump when it is made.</summary>
    public Action? Wake { get; set; }

    /// <summary>Counts the changes.</summary>
    public int Version => Volatile.Read(ref version);

    /// <summary>Whether the pump may ask the store for entries. A write wakes the pump.</summary>
    public bool IsLeasing
    {
        get => isLeasing;
        set
        {
            isLeasing = value;
            Changed();
        }
    }

    /// <summary>Whether items and timers may begin: the pump may lease, and the group is not known to be paused.</summary>
    /// <remarks>The store enforces the pause of stored items. The pump still leases when it is woken, and so learns of the end.</remarks>
    public bool MayBegin => isLeasing && !isPaused;

    /// <summary>When the group was paused, by the store's clock, as far as this member knows; null if it was not.</summary>
    public DateTimeOffset? PausedAt
    {
        get { lock (sync) return pausedAt; }
    }

    /// <summary>Notes what the store has said about the pause of the group, and wakes the pump if that is new.</summary>
    /// <param name="at">When the group was paused; null if it is not.</param>
    /// <param name="asOf">A timestamp at which this was so. Older news than the last is ignored.</param>
    /// <returns>Whether that is new.</returns>
    public bool LearnPause(DateTimeOffset? at, long asOf)
    {
        lock (sync)
        {
            if (asOf < learnedAt) return false;
            learnedAt = asOf;
            if (at == pausedAt) return false;
            (pausedAt, isPaused) = (at, at is not null);
        }
        Changed();
        return true;
    }

    /// <summary>Counts a change and wakes the pump.</summary>
    public void Changed()
    {
        Interlocked.Increment(ref version);
        Wake?.Invoke();
    }
}
