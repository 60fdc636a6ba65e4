namespace Sluice.Delivery;

/// <summary>Wakes the pump that hands out items, when something changes that it looks at: room, pauses, partitions.</summary>
/// <remarks>Thread-safe. The pump reads <see cref="Version"/> before it looks, and again before it sleeps. Locking rule: the pause and the
/// question that told of it are under <c>sync</c>; the pump is woken outside of it.</remarks>
internal sealed class PumpSignal
{
    private readonly Lock sync = new();
    private volatile bool isLeasing;
    private volatile bool isPaused;
    private volatile bool isStopping;
    private DateTimeOffset? pausedAt;                // under sync
    private long learned;                            // under sync: the question whose answer was the last news about the pause
    private long questions;
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

    /// <summary>Whether a stop has begun. The answer to a lease that was under way then begins nothing.</summary>
    public bool IsStopping => isStopping;

    /// <summary>A stop begins: nothing is leased any more.</summary>
    public void Stop()
    {
        isStopping = true;
        IsLeasing = false;
    }

    /// <summary>Whether items and timers may begin: the pump may lease, and the group is not known to be paused.</summary>
    /// <remarks>The store enforces the pause of stored items. The pump still leases when it is woken, and so learns of the end.</remarks>
    public bool MayBegin => isLeasing && !isPaused;

    /// <summary>When the group was paused, by the store's clock, as far as this member knows; null if it was not.</summary>
    public DateTimeOffset? PausedAt
    {
        get { lock (sync) return pausedAt; }
    }

    /// <summary>Numbers a question to the store whose answer tells of a pause. Called before the question. A clock would not do: several
    /// questions may have one time.</summary>
    public long Ask() => Interlocked.Increment(ref questions);

    /// <summary>Notes what the store has said about the pause of the group, and wakes the pump if that is new.</summary>
    /// <param name="at">When the group was paused; null if it is not.</param>
    /// <param name="question">The number of the question that was answered. The answer to an earlier one than the last is ignored.</param>
    /// <returns>Whether that is new.</returns>
    public bool LearnPause(DateTimeOffset? at, long question)
    {
        lock (sync)
        {
            if (question < learned) return false;
            learned = question;
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

/// <summary>When a question was put to the store, and its number (<see cref="PumpSignal.Ask"/>).</summary>
internal readonly record struct StoreQuestion(long At, long Number);
