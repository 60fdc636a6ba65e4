namespace Sluice.Topologies;

/// <summary>One node of a <see cref="Topology"/>. Immutable.</summary>
public sealed class TopologyNode
{
    internal TopologyNode(int id, string name, string kind, Type? inputType, Type? outputType, IReadOnlyList<string> details,
        NodeTime? time = null, bool isCritical = false)
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

    /// <summary>
    /// The node's name, unique in its topology: the user's name, else the function's name, else one such as <c>map-3</c>.
    /// </summary>
    public string Name { get; }

    /// <summary>The node's operation, such as <c>source</c>, <c>map</c>, <c>filter</c>, <c>broadcast</c> or <c>sink</c>.</summary>
    public string Kind { get; }

    /// <summary>The type of the input items; null if there is no input.</summary>
    public Type? InputType { get; }

    /// <summary>The type of the output items; null if there is no output.</summary>
    public Type? OutputType { get; }

    /// <summary>The settings of the node that are not the default, such as <c>parallel 8</c> and <c>retry 3</c>.</summary>
    public IReadOnlyList<string> Details { get; }

    /// <summary>The time when the node ran; null unless nodes run once and their times were recorded.</summary>
    public NodeTime? Time { get; }

    /// <summary>Whether the node is one of <see cref="Topology.CriticalPath"/>.</summary>
    public bool IsCritical { get; }

    /// <summary>The types in C# syntax, such as <c>(Airport, Airport) -> Leg</c>; empty if none are known.</summary>
    public string Signature => (InputType, OutputType) switch
    {
        (null, null) => "",
        (null, { } output) => $"-> {TypeNames.Of(output)}",
        ({ } input, null) => $"{TypeNames.Of(input)} ->",
        ({ } input, { } output) => $"{TypeNames.Of(input)} -> {TypeNames.Of(output)}",
    };

    /// <summary>The name of the node's code: a method, a local function or a node class; null for a lambda. <see cref="Name"/> may be
    /// another one, which the user has given.</summary>
    public string? Function { get; internal init; }

    /// <summary>The setting that gives the node more lanes.</summary>
    public LaneSetting LanesBy { get; internal init; }

    /// <summary>Whether the node only stands for the start of several edges, because no stage precedes them.</summary>
    internal bool IsOnlyEdges { get; init; }

    internal TopologyNode With(NodeTime? time, bool isCritical)
        => new(Id, Name, Kind, InputType, OutputType, Details, time, isCritical)
        {
            IsOnlyEdges = IsOnlyEdges,
            Function = Function,
            LanesBy = LanesBy,
        };

    /// <summary>Formats the name, followed by the details in parentheses if there are any.</summary>
    /// <returns>For example <c>Geocode (parallel 8, retry 3)</c>.</returns>
    public override string ToString() => Details.Count == 0 ? Name : $"{Name} ({string.Join(", ", Details)})";
}
