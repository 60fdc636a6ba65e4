namespace Sluice;

/// <summary>One node of a run at one moment; all its lanes together.</summary>
/// <param name="Node">The node in the run's topology.</param>
/// <param name="In">Items that went in; an item that is tried again counts once.</param>
/// <param name="Out">Items that came out.</param>
/// <param name="Skipped">Items that it dropped on purpose.</param>
/// <param name="Failed">Items that failed for good.</param>
/// <param name="Retried">Attempts beyond the first.</param>
/// <param name="Queued">Items that wait in front of it.</param>
/// <param name="Activity">What it is doing. Nodes without a boundary between them share a thread, and so an activity.</param>
/// <param name="BlockedOn">What is full, when it is blocked: an edge, as <c>from -&gt; to</c>, or a named output that nobody reads, as <c>node.output -&gt; PipelineRun.Output, unread</c>.</param>
public sealed record NodeSnapshot(
    TopologyNode Node, long In, long Out, long Skipped, long Failed, long Retried, long Queued, NodeActivity Activity, string? BlockedOn)
{
    /// <summary>
    /// How long items were in the node, until now: its code and what that awaited, without what comes behind it; all lanes added up. Null unless <see cref="RunOptions.RecordTimings"/>, and for sources, branches
    /// and fan-ins.
    /// </summary>
    public TimeSpan? Time { get; init; }

    /// <summary>What the node has measured of its work, by name (<see cref="StageNode{TIn, TOut}.Measure"/>); empty if nothing. All lanes added up.</summary>
    public IReadOnlyDictionary<string, TimeSpan> Measured { get; init; } = System.Collections.ObjectModel.ReadOnlyDictionary<string, TimeSpan>.Empty;

    /// <summary>The node's name.</summary>
    public string Name => Node.Name;
}
