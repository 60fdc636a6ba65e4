namespace Sluice.Topologies;

/// <summary>The label of a node in a drawing: its time, if it has one, and the caller's text.</summary>
internal static class NodeLabel
{
    /// <param name="topology">The topology. Without times it needs only the caller's labels.</param>
    /// <param name="label">Returns the caller's text; null for none.</param>
    /// <param name="mark">The prefix of nodes on the critical path, for drawings without another mark.</param>
    public static Func<TopologyNode, string?>? Of(Topology topology, Func<TopologyNode, string?>? label, string mark = "")
    {
        if (topology.CriticalPath.Count == 0) return label;
        return node => node.Time is not { } time ? label?.Invoke(node)
            : $"{(node.IsCritical ? mark : new(' ', mark.Length))}{time}{(label?.Invoke(node) is { Length: > 0 } more ? $", {more}" : "")}";
    }
}
