namespace Sluice.Topologies;

/// <summary>An edge of a <see cref="Topology"/>, in the direction in which items move. Immutable.</summary>
public sealed class TopologyEdge
{
    internal TopologyEdge(TopologyNode from, TopologyNode to, string? port, bool isCritical = false)
        => (From, To, Port, IsCritical) = (from, to, port, isCritical);

    /// <summary>The node that items come from.</summary>
    public TopologyNode From { get; }

    /// <summary>The node that items go to.</summary>
    public TopologyNode To { get; }

    /// <summary>The branch or output of <see cref="From"/>, such as <c>even</c>; null if it is the only one.</summary>
    public string? Port { get; }

    /// <summary>Whether it connects two consecutive nodes of <see cref="Topology.CriticalPath"/>.</summary>
    internal bool IsCritical { get; }

    /// <summary>Formats the edge as <c>from -> to</c>, with the port if there is one.</summary>
    /// <returns>For example <c>Parity.even -> Twice</c>.</returns>
    public override string ToString() => Port is null ? $"{From.Name} -> {To.Name}" : $"{From.Name}.{Port} -> {To.Name}";
}
