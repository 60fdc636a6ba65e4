namespace Sluice.Engine;

/// <summary>State rows of one node in one partition, held in memory; they may be evicted while no round uses them.</summary>
/// <remarks>
/// The rows belong to the user that has entered: a round of the partition, from its load until its changes are written, or
/// <see cref="StateMemory.Trim"/>. <see cref="Accounted"/> and <see cref="IsRetired"/> are used under the lock of the memory.
/// </remarks>
internal abstract class CachedRows
{
    private const int Nobody = 0;
    private const int Epoch = 1;
    private const int Eviction = 2;

    private int user;

    /// <summary>The bytes that are charged to the memory's budget.</summary>
    public long Accounted { get; set; }

    /// <summary>Whether the rows are no longer used: a new instance starts from the store.</summary>
    public bool IsRetired { get; set; }

    /// <summary>The tick of the least recently used row, which is evicted first; a moment old while the rows are in use.</summary>
    public abstract long OldestTick { get; }

    /// <summary>The bytes that the rows take.</summary>
    protected abstract long Size { get; }

    /// <summary>Takes the rows for a round. Does nothing if the round has them already.</summary>
    public void Enter()
    {
        var spin = new SpinWait();
        while (Interlocked.CompareExchange(ref user, Epoch, Nobody) == Eviction) spin.SpinOnce();
    }

    /// <summary>Reports the current size; for the user of the rows.</summary>
    public void Tell(StateMemory memory) => memory.Account(this, Size);

    /// <summary>Releases the rows, after the round's changes were written.</summary>
    public void Leave(StateMemory memory)
    {
        memory.Account(this, Size);
        Volatile.Write(ref user, Nobody);
    }

    /// <summary>Evicts some rows, unless a round uses them.</summary>
    /// <param name="memory">The memory whose budget is charged.</param>
    /// <param name="before">Evict only rows last used at or before this tick; at least one row is evicted.</param>
    /// <param name="most">The largest number of rows to evict.</param>
    /// <returns>The tick of the oldest row left; null if none is left or the rows are in use.</returns>
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
