using Sluice.Diagnostics;

namespace Sluice.Delivery;

/// <summary>The reasons why a consecutor does not work, or works only in part, as texts for people.</summary>
/// <remarks>
/// Thread-safe: each reason is one volatile field. The part that finds a reason sets it; the part that knows when the reason is over
/// clears it.
/// </remarks>
/// <param name="stopped">The partitions that stand still.</param>
/// <param name="ofRounds">Reads the problem of the rounds; null if there is none.</param>
internal sealed class ConsecutorProblems(StoppedPartitions stopped, Func<string?> ofRounds)
{
    private volatile string? latest;
    private volatile string? ofCommits;
    private volatile string? newer;
    private volatile string? parked;

    /// <summary>The most important reason; null if the consecutor works. A write sets the latest reason.</summary>
    public string? Latest
    {
        get => With(stopped.All);
        set => latest = value;
    }

    /// <summary>The reason at a moment at which these partitions stand still, so that a snapshot reads the partitions once.</summary>
    public string? With(IReadOnlyList<StoppedPartition> stopped)
        => ofCommits ?? latest ?? StoppedPartitions.Describe(stopped) ?? ofRounds() ?? newer;

    /// <summary>
    /// The partition that newer code has written and this code leaves alone; null if there is none. Commits of other partitions do not
    /// clear it.
    /// </summary>
    public string? Newer { set => newer = value; }

    /// <summary>The reason why the next commit is not made. Only the sender of commits clears it: leases may succeed meanwhile.</summary>
    public string? OfCommits { get => ofCommits; set => ofCommits = value; }

    /// <summary>Why the item that was parked last is parked; null if none was.</summary>
    public string? Parked { get => parked; set => parked = value; }
}
