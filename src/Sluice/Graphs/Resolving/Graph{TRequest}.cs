using Sluice.Diagnostics;
using Sluice.Topologies;

namespace Sluice.Graphs;

/// <summary>Begins graphs: <c>Graph.For&lt;Request&gt;()</c>.</summary>
public static class Graph
{
    /// <summary>Begins a graph.</summary>
    /// <param name="name">The name of the graph, for drawings and messages; null for none.</param>
    /// <typeparam name="TRequest">The type of the requests.</typeparam>
    public static GraphBuilder<TRequest> For<TRequest>(string? name = null) => new(new(name), []);
}

/// <summary>A graph of functions that take each other's results. It is built once, and resolved per request.</summary>
/// <remarks>
/// <para>A node starts when the last of its parents has ended; nodes without a path between them run concurrently.</para>
/// <para>
/// Immutable; thousands of resolves may be in progress, from any threads. A node's function is called on the thread that ended its last
/// parent (the caller's for a root), up to its first wait. A function that computes for long holds up other ready nodes; let it use
/// <c>Task.Run</c>. All nodes run in the caller's execution context (trace, culture, <c>AsyncLocal</c>). The caller does
/// not see what they change in it; nodes that start later on the same thread see what a synchronous function changes.
/// </para>
/// </remarks>
/// <typeparam name="TRequest">The type of the requests.</typeparam>
public sealed class Graph<TRequest> : IGraph
{
    private readonly GraphPlan plan;
    private readonly GraphFamily family;
    private readonly WeakReference<ContextPool<TRequest>>?[] pools;      // by node

    internal Graph(GraphFamily family, GraphPlan plan)
        => (this.family, this.plan, pools) = (family, plan, new WeakReference<ContextPool<TRequest>>?[plan.Nodes.Length]);

    /// <summary>The nodes and their dependencies. Draw it with <c>ToText</c>, <c>ToMermaid</c> or <c>ToDot</c>.</summary>
    public Topology Topology => plan.Topology;

    Type IGraph.RequestType => typeof(TRequest);

    /// <summary>The options of resolves.</summary>
    public GraphOptions Options => plan.Options;

    /// <summary>Resolves the graph: runs all nodes for a request.</summary>
    /// <param name="request">The request, which the roots take. It may be null only if it is a nullable struct.</param>
    /// <param name="cancellation">Cancels the resolve: tokens of running nodes are cancelled, others do not start.</param>
    /// <returns>The result, when every node has ended.</returns>
    /// <exception cref="NodeFailedException">A node without <c>Optional</c> or <c>Fallback</c> failed. The others were cancelled and have
    /// ended, or the message names them.</exception>
    /// <exception cref="OperationCanceledException">The resolve was cancelled. The inner exception is what a function has thrown after the
    /// cancellation, if that is of another type. If several functions have, it is the exception of the node that comes first in the
    /// plan. Null if no function has.</exception>
    /// <exception cref="ArgumentNullException">The request is null, and no nullable struct.</exception>
    public ValueTask<GraphContext<TRequest>> ResolveAsync(TRequest request, CancellationToken cancellation = default)
        => request is null && !typeof(TRequest).IsValueType ? throw WithoutRequest()
        : OnceTelemetry.IsTraced ? WatchedAsync(request, cancellation)
        : new GraphContext<TRequest>(plan, request, cancellation).ResolveAsync();

    /// <summary>Resolves the graph, and gets the value of one node: <c>string? text = await graph.ResolveAsync(request, badge)</c>.
    /// </summary>
    /// <remarks>
    /// All nodes run, as without the node. It costs less: the caller gets no context, so further resolves for this node can use its objects
    /// again. That holds for graphs of up to 16 nodes, none of which takes the context, has a limit, a time limit or retries, or produces
    /// <c>object</c>. The graph must have no <see cref="GraphOptions.RecordTimings"/>, no watchers, and no listener that traces it.
    /// </remarks>
    /// <param name="request">The request, which the roots take. It may be null only if it is a nullable struct.</param>
    /// <param name="node">The node whose value is the result; <c>default</c> if it produced nothing.</param>
    /// <param name="cancellation">Cancels the resolve: tokens of running nodes are cancelled, others do not start.</param>
    /// <returns>The value, when every node has ended. Await it once.</returns>
    /// <exception cref="NodeFailedException">A node without <c>Optional</c> or <c>Fallback</c> failed. The others were cancelled and have
    /// ended, or the message names them.</exception>
    /// <exception cref="OperationCanceledException">The resolve was cancelled. The inner exception is what a function has thrown after the
    /// cancellation, if that is of another type. If several functions have, it is the exception of the node that comes first in the
    /// plan. Null if no function has.</exception>
    /// <exception cref="ArgumentNullException">The request is null, and no nullable struct; or the node is null.</exception>
    /// <exception cref="KeyNotFoundException">The graph has no such node.</exception>
    /// <exception cref="ArgumentException">The node is of another graph, and this one has a node of its name, too.</exception>
    /// <exception cref="InvalidOperationException">The node of this graph produces another type, or the result was asked for before
    /// the end, or twice.</exception>
    public ValueTask<T?> ResolveAsync<T>(TRequest request, GraphNode<T> node, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(node);
        if (request is null && !typeof(TRequest).IsValueType) throw WithoutRequest();
        int number = plan.NumberOf(node, "");
        return !OnceTelemetry.IsTraced && FindPool<T>(number) is { } pool ? pool.ResolveAsync(request, cancellation)
            : GetAsync(request, node, cancellation);
    }

    /// <summary>
    /// Watches the resolves that end from now on: a function gets the context of each one. Resolves of a graph that is watched record
    /// timings, as with <see cref="GraphOptions.RecordTimings"/>.
    /// </summary>
    /// <param name="ended">
    /// Gets the context, and why the resolve has failed: null if it has not, an <see cref="OperationCanceledException"/> if it was
    /// cancelled. It is called before the caller gets the result, by the thread that ends the resolve, and by several threads at once; it
    /// must be quick. What it throws becomes a warning.
    /// </param>
    /// <param name="maxTimedPerSecond">
    /// How many of the resolves that begin in a second record timings, from 0; a few more if many threads begin resolves. The first ones of
    /// each second do. <see cref="GraphContext.HasTimings"/> says which.
    /// </param>
    /// <returns>Ends the watching when it is disposed. Thread-safe.</returns>
    /// <remarks>Copies of the graph (<see cref="With"/>) are not watched with it.</remarks>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="maxTimedPerSecond"/> is negative.</exception>
    public IDisposable Watch(Action<GraphContext, Exception?> ended, int maxTimedPerSecond = int.MaxValue)
    {
        ArgumentNullException.ThrowIfNull(ended);
        AsyncVoid.RefuseCallback(ended);
        ArgumentOutOfRangeException.ThrowIfNegative(maxTimedPerSecond);
        return plan.Watchers.Add(ended, maxTimedPerSecond);
    }

    /// <summary>How long the oldest resolve that has not ended has been running, of those that are watched and record timings
    /// (<see cref="Watch"/>); null if there is none. Thread-safe.</summary>
    public TimeSpan? OldestRunning => plan.Watchers.OldestRunning;

    /// <summary>The number of resolves that have begun and not ended, of those that began while the graph was watched
    /// (<see cref="Watch"/>). Thread-safe.</summary>
    public int InFlight => plan.Watchers.InFlight;

    /// <summary>Gets the handle of a node by its name.</summary>
    /// <exception cref="KeyNotFoundException">There is no such node; the message lists similar names.</exception>
    /// <exception cref="InvalidOperationException">The node produces another type.</exception>
    public GraphNode<T> Get<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicProperties)] T>(string node)
    {
        ArgumentNullException.ThrowIfNull(node);
        return GraphNode<T>.Of(plan.Nodes[plan.Get(node)]);
    }

    /// <summary>Makes a changed copy of the graph. Handles of unchanged nodes are valid for both graphs.</summary>
    /// <param name="change">Adds, replaces and removes nodes.</param>
    /// <exception cref="InvalidTopologyException">The changed graph is invalid.</exception>
    public Graph<TRequest> With(Action<GraphBuilder<TRequest>> change)
    {
        ArgumentNullException.ThrowIfNull(change);
        AsyncVoid.RefuseCallback(change);
        var builder = new GraphBuilder<TRequest>(family, plan.Nodes);
        change(builder);
        return builder.Build(plan.Options);
    }

    /// <summary>Makes a copy of the graph without a node.</summary>
    /// <exception cref="KeyNotFoundException">There is no such node; the message lists similar names.</exception>
    /// <exception cref="InvalidTopologyException">Another node depends on it; the message says which.</exception>
    public Graph<TRequest> Without(string node) => With(graph => graph.Remove(node));

    private ArgumentNullException WithoutRequest()
        => new("request", $"The request of {family} is null, and its nodes take a {TypeNames.Of(typeof(TRequest))}. If a resolve can have "
            + "no request, give the graph a type that says so: a nullable struct, or a record with optional properties.");

    private async ValueTask<T?> GetAsync<T>(TRequest request, GraphNode<T> node, CancellationToken cancellation)
        => (await ResolveAsync(request, cancellation).ConfigureAwait(false)).Get(node);

    /// <returns>Null if the contexts of this graph cannot be used again, or the node has another type.</returns>
    private ContextPool<TRequest, T>? FindPool<T>(int node)
    {
        if (pools[node] is { } known && known.TryGetTarget(out ContextPool<TRequest>? pool)) return pool as ContextPool<TRequest, T>;
        if (!plan.LetsContextsGo || plan.Nodes[node].Type != typeof(T)) return null;
        var made = new ContextPool<TRequest, T>(plan, node);
        pools[node] = new(made);                     // two threads may make one: the other is freed when its resolves have ended
        return made;
    }

    private ValueTask<GraphContext<TRequest>> WatchedAsync(TRequest request, CancellationToken cancellation)
        => OnceTelemetry.GraphAsync(family.Name, () => new GraphContext<TRequest>(plan, request, cancellation).ResolveAsync());

    /// <summary>The drawing of the graph as text.</summary>
    public override string ToString() => Topology.ToText();
}
