using Sluice.Topologies;

namespace Sluice.Diagnostics;

/// <summary>A snapshot of one node of a run, with all its lanes.</summary>
/// <param name="Node">The node in the run's topology.</param>
/// <param name="In">The number of items that entered; a retried item counts once.</param>
/// <param name="Out">The number of items that left.</param>
/// <param name="Skipped">The number of items that it dropped on purpose.</param>
/// <param name="Failed">The number of items that failed for good. In a consecutor, each attempt by it counts.</param>
/// <param name="Retried">The number of failed attempts after which the item was tried again, by the node's policy or a consecutor.</param>
/// <param name="Queued">The number of items that wait before it.</param>
/// <param name="Activity">Its present activity. Nodes without a boundary between them share a thread, and so an activity.</param>
/// <param name="BlockedOn">
/// If the node is blocked, the full edge as <c>from -&gt; to</c>, or the unread named output as <c>node.output -&gt; PipelineRun.Output,
/// unread</c>; else null.
/// </param>
public sealed record NodeSnapshot(
    TopologyNode Node, long In, long Out, long Skipped, long Failed, long Retried, long Queued, NodeActivity Activity, string? BlockedOn)
{
    /// <summary>
    /// The time that items have spent in the node until now, added up over all lanes: its code and its awaits, without downstream nodes.
    /// Null unless <see cref="RunOptions.RecordTimings"/> is set, and for sources, branches and fan-ins.
    /// </summary>
    public TimeSpan? Time { get; init; }

    /// <summary>
    /// The items of the ten minutes before the snapshot that the node took the longest for, the slowest first, at most 10; failed ones,
    /// too. Empty unless <see cref="RunOptions.RecordTimings"/> is set.
    /// </summary>
    public IReadOnlyList<SlowItem> Slowest { get; init; } = [];

    /// <summary>
    /// The time for which the node has waited for room in front of the node behind it until now, added up over its full edges.
    /// </summary>
    public TimeSpan BlockedTime { get; init; }

    /// <summary>
    /// The node's own measurements, by name (<see cref="StageNode{TIn, TOut}.Measure"/>), added up over all lanes; empty if there are none.
    /// </summary>
    public IReadOnlyDictionary<string, TimeSpan> Measured { get; init; } =
        System.Collections.ObjectModel.ReadOnlyDictionary<string, TimeSpan>.Empty;

    /// <summary>The number of its lanes: of <c>Stage.Parallel</c> or <c>Stage.KeyBy</c>; 1 without them.</summary>
    public int Lanes { get; init; } = 1;

    /// <summary>
    /// The number of lanes whose code has an item and has not returned: awaited code always, other code only with
    /// <see cref="RunOptions.RecordTimings"/>. At most <see cref="Lanes"/>.
    /// </summary>
    public int BusyLanes { get; init; }

    /// <summary>
    /// How long the item that has been in the node's code the longest has been there; null if none is inside, or without
    /// <see cref="RunOptions.RecordTimings"/>.
    /// </summary>
    public TimeSpan? LongestInside { get; init; }

    /// <summary>The node's name.</summary>
    public string Name => Node.Name;
}
