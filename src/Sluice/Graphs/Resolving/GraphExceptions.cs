namespace Sluice.Graphs;

/// <summary>
/// Thrown if a node of a graph or a function of a data flow fails and is not optional. Also thrown if a property of its value cannot be
/// read.
/// </summary>
public sealed class NodeFailedException : SluiceException
{
    internal NodeFailedException(string term, string node, Exception cause, IReadOnlyList<string> stillRunning)
        : base($"The {term} {node} "
        + $"failed: {cause.Message}{(stillRunning.Count == 0 ? "" : $" Still running, as they do not heed their "
        + $"token: {string.Join(", ", stillRunning)}.")}", cause)
        => (Node, StillRunning) = (node, stillRunning);

    /// <summary>The name of the node.</summary>
    public string Node { get; }

    /// <summary>The nodes whose functions had not ended within <see cref="GraphOptions.StopTimeout"/>.</summary>
    public IReadOnlyList<string> StillRunning { get; }
}

/// <summary>
/// Thrown if two nodes have produced different values of the same name, or if one node has, with names that differ in case.
/// </summary>
public sealed class MergeConflictException : SluiceException
{
    internal MergeConflictException(string key, string first, string second, string? message = null)
        : base(message ?? (first == second
            ? $"The node {first} produced \"{key}\" twice, with different values: names are the same whatever their case. Rename one, or "
            + $"build the graph with LastWins."
            : $"The nodes {first} and {second} both produced \"{key}\", with different values. Rename one, or build the graph with "
            + $"LastWins."))
        => (Key, First, Second) = (key, first, second);

    /// <summary>The name of the value.</summary>
    public string Key { get; }

    /// <summary>The first of the nodes in topological order.</summary>
    public string First { get; }

    /// <summary>The other node; equal to <see cref="First"/> if one node has produced the name twice.</summary>
    public string Second { get; }
}
