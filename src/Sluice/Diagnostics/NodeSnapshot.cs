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
/// <param name="BlockedOn">What is full, when it is blocked: an edge, as <c>from -&gt; to</c>, or a named output that nobody reads, as <c>node.output -&gt; Run.Output, unread</c>.</param>
public sealed record NodeSnapshot(
    TopologyNode Node, long In, long Out, long Skipped, long Failed, long Retried, long Queued, NodeActivity Activity, string? BlockedOn)
{
    /// <summary>The node's name.</summary>
    public string Name => Node.Name;
}
