namespace Sluice;

/// <summary>One node of a <see cref="Topology"/>. Immutable.</summary>
public sealed class TopologyNode
{
    internal TopologyNode(int id, string name, string kind, Type? inputType, Type? outputType, IReadOnlyList<string> details, NodeTime? time = null, bool isCritical = false)
    {
        Id = id;
        Name = name;
        Kind = kind;
        InputType = inputType;
        OutputType = outputType;
        Details = details;
        Time = time;
        IsCritical = isCritical;
    }

    /// <summary>The node's index in <see cref="Topology.Nodes"/>.</summary>
    public int Id { get; }

    /// <summary>The node's name, unique in its topology: the given one, else its function's, else one such as <c>map-3</c>.</summary>
    public string Name { get; }

    /// <summary>What the node does, such as <c>source</c>, <c>map</c>, <c>filter</c>, <c>broadcast</c> or <c>sink</c>.</summary>
    public string Kind { get; }

    /// <summary>The type of the items that go in, or null when none do.</summary>
    public Type? InputType { get; }

    /// <summary>The type of the items that come out, or null when none do.</summary>
    public Type? OutputType { get; }

    /// <summary>How the node runs where that is not the default, such as <c>parallel 8</c> and <c>retry 3</c>.</summary>
    public IReadOnlyList<string> Details { get; }

    /// <summary>When the node ran, in the picture of a run whose nodes run once and whose times were recorded; else null.</summary>
    public NodeTime? Time { get; }

    /// <summary>Whether the node is one of <see cref="Topology.CriticalPath"/>.</summary>
    public bool IsCritical { get; }

    /// <summary>The types as C# writes them, such as <c>(Airport, Airport) -> Leg</c>; empty when none are known.</summary>
    public string Signature => (InputType, OutputType) switch
    {
        (null, null) => "",
        (null, { } output) => $"-> {TypeNames.Of(output)}",
        ({ } input, null) => $"{TypeNames.Of(input)} ->",
        ({ } input, { } output) => $"{TypeNames.Of(input)} -> {TypeNames.Of(output)}",
    };

    /// <summary>Whether all there is to say of the node is that several edges begin here: it is there because no stage stands before them.</summary>
    internal bool IsOnlyEdges { get; init; }

    internal TopologyNode With(NodeTime? time, bool isCritical) => new(Id, Name, Kind, InputType, OutputType, Details, time, isCritical) { IsOnlyEdges = IsOnlyEdges };

    /// <summary>The name, followed by the details in parentheses where there are any.</summary>
    /// <returns>Such as <c>Geocode (parallel 8, retry 3)</c>.</returns>
    public override string ToString() => Details.Count == 0 ? Name : $"{Name} ({string.Join(", ", Details)})";
}
