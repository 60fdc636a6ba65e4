namespace Sluice;

/// <summary>What stands beside a node in a picture: its time, if it has one, and what the caller wants.</summary>
internal static class NodeLabel
{
    /// <param name="topology">Where there are no times, and the caller wants nothing, there are no labels.</param>
    /// <param name="label">What the caller wants; null for nothing.</param>
    /// <param name="mark">What nodes of the critical path begin with, where they are not marked in another way.</param>
    public static Func<TopologyNode, string?>? Of(Topology topology, Func<TopologyNode, string?>? label, string mark = "")
    {
        if (topology.CriticalPath.Count == 0) return label;
        return node => node.Time is not { } time ? label?.Invoke(node)
            : $"{(node.IsCritical ? mark : new(' ', mark.Length))}{time}{(label?.Invoke(node) is { Length: > 0 } more ? $", {more}" : "")}";
    }
}
