namespace Sluice.Graphs;

/// <summary>A limit of concurrent bodies, of a step or of a scope.</summary>
internal sealed class ConcurrencyLimit
{
    public ConcurrencyLimit(int count)
    {
        Count = Free = count;
        Alone = new([this]);
    }

    public int Count { get; }

    /// <summary>The queue of bodies that need this limit only.</summary>
    public LimitQueue Alone { get; }

    /// <summary>The number of free permits; the lock of all limits guards it, and <see cref="Waiting"/>.</summary>
    public int Free { get; set; }

    /// <summary>The queues with bodies that wait for this limit, and perhaps for others.</summary>
    public SortedSet<LimitQueue> Waiting { get; } = new(LimitQueue.ByRank);
}
