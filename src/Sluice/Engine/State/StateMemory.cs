namespace Sluice;

/// <summary>A memory budget, in bytes, for the keyed state of consecutors; several may share it.</summary>
/// <remarks>
/// <para>
/// The state of a <see cref="StatefulStageNode{TIn, TOut, TState}"/> is in the store; recently used rows are also in memory. If the rows
/// of all consecutors with this budget exceed it, the least recently used rows are evicted. They are read again for the next item of
/// their key.
/// </para>
/// <para>
/// Chunks, windows, groups, aggregates, <c>Distinct</c> and joins keep all their state in memory. It counts for the budget but is never
/// evicted, so keyed rows give way to it. If it exceeds the budget alone, the consecutor logs a warning.
/// </para>
/// <para>
/// Rows in use are never evicted, so they may exceed the budget for a while. Sizes are estimates: twice the stored form, plus a constant
/// for each row.
/// </para>
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

    private const int MaxAtOnce = 256;              // rows of one partition to evict before comparing with others

    private readonly Lock sync = new();
    private readonly HashSet<CachedRows> known = [];
    private long bytes;
    private long held;                               // the part of `bytes` that is never evicted
    private long tick;
    private int isTold;
    private int isTrimming;

    /// <summary>Creates a budget for some consecutors of a process.</summary>
    /// <param name="maxBytes">The budget in bytes: zero or more. With zero, no keyed row stays in memory between two commits.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="maxBytes"/> is negative.</exception>
    public StateMemory(long maxBytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(maxBytes);
        MaxBytes = maxBytes;
    }

    /// <summary>The budget of all consecutors of this process that have no other.</summary>
    public static StateMemory Shared { get; } = new(DefaultBytes);

    /// <summary>The budget in bytes.</summary>
    public long MaxBytes { get; }

    /// <summary>The estimated size of the rows in memory now, in bytes.</summary>
    public long Bytes => Interlocked.Read(ref bytes);

    /// <summary>The part of <see cref="Bytes"/> that is never evicted.</summary>
    internal long HeldBytes => Interlocked.Read(ref held);

    /// <summary>Whether to warn that unevictable rows exceed the budget. True once, until they take at most half of it.</summary>
    internal bool MustTell
    {
        get
        {
            if (HeldBytes <= MaxBytes / 2) Volatile.Write(ref isTold, 0);
            return MaxBytes > 0 && HeldBytes > MaxBytes && Interlocked.Exchange(ref isTold, 1) == 0;
        }
    }

    /// <summary>Whether the budget is used up.</summary>
    internal bool IsFull => Bytes >= MaxBytes;

    /// <summary>A new tick for a use; later ticks are larger.</summary>
    internal long NextTick() => Interlocked.Increment(ref tick);

    /// <summary>Charges the rows with their current size.</summary>
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

    /// <summary>Stops charging rows that are no longer used.</summary>
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

    /// <summary>
    /// Evicts the least recently used rows while the budget is exceeded. One thread at a time does so; rows in use are left alone.
    /// </summary>
    internal void Trim()
    {
        if (Bytes <= MaxBytes || Interlocked.Exchange(ref isTrimming, 1) == 1) return;
        try
        {
            long target = MaxBytes - (MaxBytes / 32);            // some room, so that not every new row trims
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
