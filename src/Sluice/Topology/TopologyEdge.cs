namespace Sluice;

/// <summary>A connection of a <see cref="Topology"/>, in the direction in which items move. Immutable.</summary>
public sealed class TopologyEdge
{
    internal TopologyEdge(TopologyNode from, TopologyNode to, string? port, bool isCritical = false)
    {
        From = from;
        To = to;
        Port = port;
        IsCritical = isCritical;
    }

    /// <summary>The node from which items come.</summary>
    public TopologyNode From { get; }

    /// <summary>The node to which items go.</summary>
    public TopologyNode To { get; }

    /// <summary>The branch or the output of <see cref="From"/> that this is, such as <c>even</c>; null for the only one.</summary>
    public string? Port { get; }

    /// <summary>Whether it leads from one node of <see cref="Topology.CriticalPath"/> to the next.</summary>
    internal bool IsCritical { get; }

    /// <summary>The edge as <c>from -> to</c>, with the port where there is one.</summary>
    /// <returns>Such as <c>Parity.even -> Twice</c>.</returns>
    public override string ToString() => Port is null ? $"{From.Name} -> {To.Name}" : $"{From.Name}.{Port} -> {To.Name}";
}
