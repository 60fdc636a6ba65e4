namespace Sluice;

/// <content>Why the consecutor does not work, or works only in part. Each reason is set by the part that knows it; any thread.</content>
internal sealed partial class ConsecutorCore
{
    private volatile string? problem;
    private volatile string? commitProblem;
    private volatile string? newer;
    private volatile string? parked;

    /// <summary>What keeps the consecutor from working; null if nothing does.</summary>
    public string? Problem
    {
        get => ProblemWith(Stopped.All);
        set => problem = value;
    }

    /// <summary>The problem at a moment at which these partitions stand still: a snapshot that lists them reads them once.</summary>
    public string? ProblemWith(IReadOnlyList<StoppedPartition> stopped) => CommitProblem ?? problem ?? StoppedPartitions.Describe(stopped) ?? Epochs?.Problem ?? newer;

    /// <summary>Which partition is left alone because newer code has written it; null if none is. Commits of others do not mean that it is over.</summary>
    public string? Newer { set => newer = value; }

    /// <summary>What keeps the next commit from being made. Only who makes commits knows when it is over: that entries are given out does not mean so.</summary>
    public string? CommitProblem { get => commitProblem; set => commitProblem = value; }

    /// <summary>Why the last of the items that are put aside is; null if none was.</summary>
    public string? Parked { get => parked; set => parked = value; }
}
