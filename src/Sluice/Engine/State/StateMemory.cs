namespace Sluice;

/// <summary>How much keyed state is kept in memory: a budget in bytes that many consecutors share.</summary>
/// <remarks>
/// <para>
/// The state of a <see cref="StatefulStageNode{TIn, TOut, TState}"/> is in the store. Rows that were used lately are in memory as well. When the rows of all consecutors that share a budget
/// take more bytes than it has, those that were used least recently are evicted, and read again when an item of their key comes.
/// </para>
/// <para>
/// Chunks, windows, groups, aggregates, <c>Distinct</c> and joins have all of their state in memory. It counts for the budget, so keyed rows give way to it, and it is never evicted. If it alone takes more than the budget, the
/// consecutor says so in a warning.
/// </para>
/// <para>Rows of an epoch that is under way are never evicted, so the budget may be exceeded by as much as these take. Sizes are estimates: twice the stored form, and a constant for each row.</para>
/// <para>Thread-safe.</para>
/// </remarks>
/// <example><code>
/// var memory = new StateMemory(64L &lt;&lt; 20);
/// var options = new ConsecutorOptions { Store = store, StateMemory = memory };
/// </code></example>
public sealed class StateMemory
{
    /// <summary>The budget of <see cref="Shared"/>: 256 MiB.</summary>
    public const long DefaultBytes = 256L << 20;

    private const int MaxAtOnce = 256;              // rows of one partition that go before others are looked at again

    private readonly Lock sync = new();
    private readonly HashSet<CachedRows> known = [];
    private long bytes;
    private long held;                               // of them, what is never evicted
    private long tick;
    private int isTold;
    private int isTrimming;

    /// <summary>Makes a budget of its own, for some consecutors of a process.</summary>
    /// <param name="maxBytes">How many bytes: zero or more. Zero keeps nothing in memory between two epochs.</param>
    /// <exception cref="ArgumentOutOfRangeException">Negative.</exception>
    public StateMemory(long maxBytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(maxBytes);
        MaxBytes = maxBytes;
    }

    /// <summary>The budget of all consecutors of this process that have been given no other.</summary>
    public static StateMemory Shared { get; } = new(DefaultBytes);

    /// <summary>How many bytes the rows may take.</summary>
    public long MaxBytes { get; }

    /// <summary>How many bytes they are estimated to take now.</summary>
    public long Bytes => Interlocked.Read(ref bytes);

    /// <summary>How many of these are never evicted.</summary>
    internal long HeldBytes => Interlocked.Read(ref held);

    /// <summary>Whether somebody is to say that what is never evicted takes more than there is: once, until it takes less than half.</summary>
    internal bool MustTell
    {
        get
        {
            if (HeldBytes <= MaxBytes / 2) Volatile.Write(ref isTold, 0);
            return MaxBytes > 0 && HeldBytes > MaxBytes && Interlocked.Exchange(ref isTold, 1) == 0;
        }
    }

    /// <summary>Whether there is no room for more.</summary>
    internal bool IsFull => Bytes >= MaxBytes;

    /// <summary>The moment of a use: later ones are larger.</summary>
    internal long NextTick() => Interlocked.Increment(ref tick);

    /// <summary>The rows take so many bytes from here on.</summary>
    internal void Account(CachedRows rows, long size)
    {
        lock (sync)
        {
            if (rows.IsRetired) return;
            known.Add(rows);
            Add(rows, size - rows.Accounted);
            rows.Accounted = size;
        }
    }

    /// <summary>The rows are used no more.</summary>
    internal void Forget(CachedRows rows)
    {
        lock (sync)
        {
            if (rows.IsRetired) return;
            rows.IsRetired = true;
            known.Remove(rows);
            Add(rows, -rows.Accounted);
        }
    }

    private void Add(CachedRows rows, long more)
    {
        Interlocked.Add(ref bytes, more);
        if (rows is HeldRows) Interlocked.Add(ref held, more);
    }

    /// <summary>Evicts what was used least recently, if there is too much. One thread at a time does so; it takes what nobody uses just then.</summary>
    internal void Trim()
    {
        if (Bytes <= MaxBytes || Interlocked.Exchange(ref isTrimming, 1) == 1) return;
        try
        {
            long target = MaxBytes - (MaxBytes / 32);            // so that it is not done for every row
            var oldest = new PriorityQueue<CachedRows, long>();
            lock (sync)
            {
                foreach (CachedRows rows in known) oldest.Enqueue(rows, rows.OldestTick);
            }
            while (Bytes > target && oldest.TryDequeue(out CachedRows? rows, out _))
            {
                long before = oldest.TryPeek(out _, out long next) ? next : long.MaxValue;
                if (rows.TryEvict(this, before, MaxAtOnce) is { } left) oldest.Enqueue(rows, left);
            }
        }
        finally
        {
            Volatile.Write(ref isTrimming, 0);
        }
    }
}
