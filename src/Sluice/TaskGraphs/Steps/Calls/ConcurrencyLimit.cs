namespace Sluice;

/// <summary>How many bodies may run at a time: of a step, or of a scope.</summary>
internal sealed class ConcurrencyLimit
{
    public ConcurrencyLimit(int count)
    {
        Count = Free = count;
        Alone = new([this]);
    }

    public int Count { get; }

    /// <summary>Those who need these places only.</summary>
    public LimitQueue Alone { get; }

    /// <summary>Under the lock of all places, as is <see cref="Waiting"/>.</summary>
    public int Free { get; set; }

    /// <summary>The lines in which somebody waits who needs one of these places, and perhaps others.</summary>
    public SortedSet<LimitQueue> Waiting { get; } = new(LimitQueue.ByRank);
}
