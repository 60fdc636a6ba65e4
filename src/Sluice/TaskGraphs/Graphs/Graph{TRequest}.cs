using System.Diagnostics.CodeAnalysis;

namespace Sluice;

/// <summary>Where graphs begin: <c>Graph.For&lt;Request&gt;()</c>.</summary>
public static class Graph
{
    /// <summary>Begins a graph that is resolved per request.</summary>
    /// <param name="name">The name of the graph, for pictures and messages; none unless given.</param>
    /// <typeparam name="TRequest">What a resolve is asked with.</typeparam>
    public static GraphBuilder<TRequest> For<TRequest>(string? name = null) => new(name, []);
}

/// <summary>
/// Functions that depend on each other's results, built once and resolved per request: everything that can run at the same time does, and each node starts when the
/// last of its parents has ended.
/// </summary>
/// <remarks>
/// Immutable: thousands of resolves of one graph may be under way at once, from any threads. A node's function is called on the thread that ended its last parent (the
/// caller's, for those that can start at once), up to its first wait; a function that computes for long without waiting holds up others that are ready, and should go to
/// another thread by itself (<c>Task.Run</c>). The execution context of the caller (trace, culture, <c>AsyncLocal</c>) is that of all nodes.
/// </remarks>
/// <typeparam name="TRequest">What a resolve is asked with.</typeparam>
public sealed class Graph<TRequest>
{
    private readonly GraphPlan plan;
    private readonly string? name;

    internal Graph(string? name, GraphPlan plan) => (this.name, this.plan) = (name, plan);

    /// <summary>The nodes and who depends on whom: drawn by <c>ToText</c>, <c>ToMermaid</c>, <c>ToDot</c>.</summary>
    public Topology Topology => plan.Topology;

    /// <summary>How it is resolved.</summary>
    public GraphOptions Options => plan.Options;

    /// <summary>Runs all nodes for a request.</summary>
    /// <param name="request">Given to the roots.</param>
    /// <param name="cancellation">Stops it: nodes that run are told by their token, others do not start.</param>
    /// <returns>What came out, when every node has ended.</returns>
    /// <exception cref="NodeFailedException">A node that is not optional and has no fallback failed. The others were told to stop, and have ended, or are named in the message.</exception>
    /// <exception cref="MergeConflictException">Two nodes produced different values under one name.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public ValueTask<GraphContext<TRequest>> ResolveAsync(TRequest request, CancellationToken cancellation = default)
        => OnceTelemetry.IsWatched ? WatchedAsync(request, cancellation) : new GraphContext<TRequest>(plan, request, cancellation).ResolveAsync();

    /// <summary>The node of a name: its handle, to ask contexts with.</summary>
    /// <exception cref="KeyNotFoundException">There is none of this name; the message lists names that are near.</exception>
    /// <exception cref="InvalidOperationException">It produces something else.</exception>
    public GraphNode<T> Get<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicProperties)] T>(string node)
    {
        ArgumentNullException.ThrowIfNull(node);
        return GraphNode<T>.Of(plan.Nodes[plan.Get(node)]);
    }

    /// <summary>Another graph: this one with changes. This one stays as it is, and handles of nodes are good for both.</summary>
    /// <param name="change">Adds, replaces and removes nodes.</param>
    /// <exception cref="InvalidTopologyException">What comes of it cannot be resolved.</exception>
    public Graph<TRequest> With(Action<GraphBuilder<TRequest>> change)
    {
        ArgumentNullException.ThrowIfNull(change);
        var builder = new GraphBuilder<TRequest>(name, plan.Nodes);
        change(builder);
        return builder.Build(plan.Options);
    }

    /// <summary>Another graph: this one without a node.</summary>
    /// <exception cref="KeyNotFoundException">There is no such node; the message lists names that are near.</exception>
    /// <exception cref="InvalidTopologyException">Another node depends on it: the message says which.</exception>
    public Graph<TRequest> Without(string node) => With(graph => graph.Remove(node));

    private ValueTask<GraphContext<TRequest>> WatchedAsync(TRequest request, CancellationToken cancellation)
        => OnceTelemetry.TracedAsync("sluice.graph", name, () => new GraphContext<TRequest>(plan, request, cancellation).ResolveAsync());

    /// <summary>The graph as text.</summary>
    public override string ToString() => Topology.ToText();
}
