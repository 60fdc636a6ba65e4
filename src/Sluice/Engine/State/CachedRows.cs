namespace Sluice;

/// <summary>Rows in memory of one node in one partition, which may be evicted while no epoch uses them.</summary>
/// <remarks>
/// Locking rule: the rows belong to whoever has entered: the epoch of the partition, from its load until its changes are written down, or <see cref="StateMemory.Trim"/>.
/// <see cref="Accounted"/> and <see cref="IsRetired"/> are used under the lock of the memory.
/// </remarks>
internal abstract class CachedRows
{
    private const int Nobody = 0;
    private const int Epoch = 1;
    private const int Eviction = 2;

    private int user;

    /// <summary>The bytes that the memory knows of.</summary>
    public long Accounted { get; set; }

    /// <summary>Whether they are used no more: another instance begins with what is stored.</summary>
    public bool IsRetired { get; set; }

    /// <summary>When the row was used that is evicted first; a moment old if somebody uses the rows.</summary>
    public abstract long OldestTick { get; }

    /// <summary>The bytes that the rows take.</summary>
    protected abstract long Size { get; }

    /// <summary>An epoch uses the rows from here on. Does nothing if it does already.</summary>
    public void Enter()
    {
        var spin = new SpinWait();
        while (Interlocked.CompareExchange(ref user, Epoch, Nobody) == Eviction) spin.SpinOnce();
    }

    /// <summary>Its user says how many bytes they take.</summary>
    public void Tell(StateMemory memory) => memory.Account(this, Size);

    /// <summary>It does not any more: what it has changed was written down.</summary>
    public void Leave(StateMemory memory)
    {
        memory.Account(this, Size);
        Volatile.Write(ref user, Nobody);
    }

    /// <summary>Evicts some rows, unless an epoch uses them.</summary>
    /// <param name="memory">Whose budget it is.</param>
    /// <param name="before">Rows that were used later than this stay, if there are others: those are older.</param>
    /// <param name="most">How many at most.</param>
    /// <returns>When the oldest of those that are left was used; null if there are none, or they cannot be had.</returns>
    public long? TryEvict(StateMemory memory, long before, int most)
    {
        if (Interlocked.CompareExchange(ref user, Eviction, Nobody) != Nobody) return null;
        try
        {
            int evicted = 0;
            while (evicted < most && OldestTick is < long.MaxValue and var tick && (tick <= before || evicted == 0))
            {
                EvictOldest();
                evicted++;
            }
            memory.Account(this, Size);
            return OldestTick is < long.MaxValue and var left ? left : null;
        }
        finally
        {
            Volatile.Write(ref user, Nobody);
        }
    }

    protected abstract void EvictOldest();
}
