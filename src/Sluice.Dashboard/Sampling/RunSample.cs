namespace Sluice.Dashboard.Sampling;

/// <summary>A node of a run at one look, with what follows from earlier ones.</summary>
/// <param name="Node">The snapshot.</param>
/// <param name="PerSecond">Items that entered in a second; items that left, for a source.</param>
/// <param name="FailedPerSecond">Items that failed in a second, retries included.</param>
/// <param name="BlockedShare">The share of the time that it waited for room, of one lane; 0 to 1.</param>
/// <param name="History">The rates of the last ten minutes.</param>
internal sealed record NodeSample(NodeSnapshot Node, double? PerSecond, double? FailedPerSecond, double BlockedShare, History History)
{
    /// <summary>Items that left in a second; null at the first look.</summary>
    public double? LeftPerSecond { get; init; }

    /// <summary>What it does, in a word that is also the name of its colour.</summary>
    public string State => FailedPerSecond > 0 ? "failing" : Node.Activity switch
    {
        NodeActivity.Blocked => "blocked",
        NodeActivity.Ended => "ended",
        NodeActivity.Running when Node.Queued > 0 || Node.BusyLanes > 0 => "working",
        _ when PerSecond > 0 => "working",           // it rests between two items, and is seen at rest
        _ => "waiting",
    };
}

/// <summary>A run of a pipeline at one look.</summary>
/// <param name="Snapshot">The snapshot.</param>
/// <param name="Nodes">Its nodes, by name.</param>
/// <param name="Bottleneck">The node that limits the rate; null if none is known.</param>
internal sealed record RunSample(RunSnapshot Snapshot, IReadOnlyDictionary<string, NodeSample> Nodes, NodeSample? Bottleneck)
{
    /// <summary>How long no item has moved although nodes work, if that is longer than can be expected; null otherwise.</summary>
    public TimeSpan? StandsFor { get; init; }

    /// <summary>How long no item has moved although nodes work; null if none works.</summary>
    public TimeSpan? Unmoved { get; init; }
}
