namespace Sluice;

/// <summary>A node of a graph, or a function of a data flow, has failed, and was not optional, or what it produced cannot be read: the resolve has failed with it.</summary>
public sealed class NodeFailedException : SluiceException
{
    internal NodeFailedException(string term, string node, Exception cause, IReadOnlyList<string> stillRunning)
        : base($"The {term} {node} failed: {cause.Message}{(stillRunning.Count == 0 ? "" : $" Still running, as they do not heed their token: {string.Join(", ", stillRunning)}.")}", cause)
        => (Node, StillRunning) = (node, stillRunning);

    /// <summary>The node's name.</summary>
    public string Node { get; }

    /// <summary>Nodes whose functions had not ended within <see cref="GraphOptions.StopTimeout"/>.</summary>
    public IReadOnlyList<string> StillRunning { get; }
}

/// <summary>Two nodes have produced different values under one name; or one node has, as names are the same whatever their case.</summary>
public sealed class MergeConflictException : SluiceException
{
    internal MergeConflictException(string key, string first, string second, string? message = null)
        : base(message ?? (first == second
            ? $"The node {first} produced \"{key}\" twice, with different values: names are the same whatever their case. Rename one, or build the graph with LastWins."
            : $"The nodes {first} and {second} both produced \"{key}\", with different values. Rename one, or build the graph with LastWins."))
        => (Key, First, Second) = (key, first, second);

    /// <summary>The name of the value.</summary>
    public string Key { get; }

    /// <summary>The node that is first in topological order.</summary>
    public string First { get; }

    /// <summary>The other one; the same, if it has produced the name twice.</summary>
    public string Second { get; }
}
