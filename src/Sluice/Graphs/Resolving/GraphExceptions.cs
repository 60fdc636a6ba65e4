namespace Sluice.Graphs;

/// <summary>
/// Thrown if a node of a graph or a function of a data flow fails and is not optional. Also thrown if a property of its value cannot be
/// read.
/// </summary>
public sealed class NodeFailedException : SluiceException
{
    internal NodeFailedException(GraphContext context, int node, Exception cause, IReadOnlyList<string> stillRunning)
        : base($"The {context.Term} {context.Plan.Nodes[node].Name} "
        + $"{(context.Plan.Topology.Name is { } graph ? $"of the {context.GraphTerm} '{graph}' " : "")}"
        + $"failed{After(context, node)}: "
        + $"{Sentences([FailureText.MessageOf(cause), MissingParents.Explain(context, node, cause),
            .. stillRunning.Count == 0 ? (string[])[]
            : [$"Still running, as they do not heed their token: {string.Join(", ", stillRunning)}."]])}", cause)
        => (Graph, Node, StillRunning) = (context.Plan.Topology.Name, context.Plan.Nodes[node].Name, stillRunning);

    private static string After(GraphContext context, int node)
        => context.FindDetails(node) is { Attempts: > 1 and int attempts } ? $" after {attempts:N0} attempts" : "";

    private static string Sentences(IEnumerable<string?> all)
        => all.OfType<string>().Aggregate(static (before, next) => $"{before}{(before.EndsWith('.') ? "" : ".")} {next}");

    /// <summary>The name of the graph or data flow; null if it has none.</summary>
    public string? Graph { get; }

    /// <summary>The name of the node.</summary>
    public string Node { get; }

    /// <summary>The nodes whose functions had not ended within <see cref="GraphOptions.StopTimeout"/>.</summary>
    public IReadOnlyList<string> StillRunning { get; }
}

/// <summary>
/// Thrown by <see cref="GraphContext.Merged"/> and <see cref="GraphContext.Merge{T}"/> if two nodes have produced different values of the
/// same name, or if one node has, with names that differ in case. Thrown by a run of a data flow if two functions of a stage have.
/// </summary>
public sealed class MergeConflictException : SluiceException
{
    internal MergeConflictException(string key, string first, string second, string message) : base(message)
        => (Key, First, Second) = (key, first, second);

    /// <summary>Creates the exception for the merged view of a graph.</summary>
    internal static MergeConflictException InView(string key, NodeDefinition first, NodeDefinition second)
        => new(key, first.Name, second.Name, first == second
            ? $"Merged is ambiguous: '{first.Name}' has two values for \"{key}\", and names are the same whatever their case. Rename one "
            + $"entry, or set GraphOptions.LastWins = true: then the later value is taken."
            : $"Merged is ambiguous: {first.Parts.Describe(key)} and {second.Parts.Describe(key)} have different values. Read the values "
            + $"by context.Get(node), give one of the two another name, or set GraphOptions.LastWins = true: then the later node's "
            + $"value is taken.");

    /// <inheritdoc cref="DataFlowException.Owner"/>
    internal object? Owner { get; set; }

    /// <summary>The name of the value.</summary>
    public string Key { get; }

    /// <summary>The first of the nodes in topological order.</summary>
    public string First { get; }

    /// <summary>The other node; equal to <see cref="First"/> if one node has produced the name twice.</summary>
    public string Second { get; }
}
