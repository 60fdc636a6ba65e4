using Sluice.Topologies;

namespace Sluice.Graphs;

/// <summary>Builds a <see cref="Graph{TRequest}"/> from nodes. Not thread-safe.</summary>
/// <remarks>
/// The function of a node takes the results of its parents, in order, and optionally a token. A node without parents takes the request.
/// A function returns a value, a <c>Task</c> or a <c>ValueTask</c>. Null means that it produced nothing. A task without a value makes a
/// node that produces nothing; its children start when the task has ended.
/// </remarks>
/// <typeparam name="TRequest">The type of the requests.</typeparam>
public sealed partial class GraphBuilder<TRequest>
{
    private readonly GraphFamily family;
    private readonly List<NodeDefinition> nodes;
    private readonly HashSet<string> replaceable;    // the nodes of the graph that is being changed
    private readonly List<(NodeDefinition Node, NodeDefinition Parent)> strangers = [];      // parents that other graphs have

    internal GraphBuilder(GraphFamily family, NodeDefinition[] nodes)
    {
        (this.family, this.nodes) = (family, [.. nodes]);
        replaceable = [.. nodes.Select(node => node.Name)];
    }

    /// <summary>
    /// The request as a parent, beside other parents: <c>page.Add("badge", page.Request, price, (request, p) => …)</c>. It is no node: it
    /// has no name, options or outcome.
    /// </summary>
    public GraphNode<TRequest> Request { get; } = MakeRequest();

    /// <summary>Gets a node by its name, to set its options or to use it as a parent.</summary>
    /// <remarks>
    /// In a graph that is being changed, new options apply to the new graph only: <c>graph.With(changed =>
    /// changed.Get&lt;Price&gt;("price").Timeout(limit))</c>.
    /// </remarks>
    /// <exception cref="KeyNotFoundException">There is no such node; the message lists similar names.</exception>
    /// <exception cref="InvalidOperationException">The node produces another type.</exception>
    public GraphNode<T> Get<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicProperties)] T>(string node)
    {
        int index = IndexOf(node);
        if (nodes[index] is NodeDefinition<T> { IsBuilt: true } built) nodes[index] = built.Copy();
        return GraphNode<T>.Of(nodes[index]);
    }

    [UnconditionalSuppressMessage("Trimming", "IL2091", Justification = "The request is not taken apart.")]
    private static GraphNode<TRequest> MakeRequest()
        => new(new NodeDefinition<TRequest>(NodeDefinition.OfRequest, [], static () => { }, isRoot: true,
        static (_, _, _) => throw new InvalidOperationException("The request is there before anything runs.")));

    /// <summary>Removes a node.</summary>
    /// <exception cref="KeyNotFoundException">There is no such node; the message lists similar names.</exception>
    public GraphBuilder<TRequest> Remove(string node)
    {
        nodes.RemoveAt(IndexOf(node));
        replaceable.Remove(node);
        return this;
    }

    /// <summary>Builds the graph. Its nodes can no longer change; the builder can go on to a larger graph.</summary>
    /// <param name="options">The options of resolves.</param>
    /// <exception cref="InvalidTopologyException">There are no nodes, a duplicate name, a missing parent, a parent of another type, or a
    /// cycle. The message names them.</exception>
    public Graph<TRequest> Build(GraphOptions? options = null)
    {
        if (nodes.Count == 0) throw new InvalidTopologyException($"{Subject ?? "The graph"} has no nodes. Add some.");
        Topology topology = MakeTopology();
        NodeDefinition[] ordered = [.. topology.InOrder().Select(node => nodes[node.Id])];
        CheckTypes(ordered);
        foreach (NodeDefinition node in ordered) node.Build();
        options ??= new();
        return new(family, new(ordered, topology, options));
    }

    private Topology MakeTopology()
    {
        var builder = new TopologyBuilder(family.Name) { IsOfCalls = true };
        foreach (NodeDefinition node in nodes)
            builder.Add(node.IsRoot ? "root" : "node", node.Name, output: node.Type == typeof(Unit) ? null : node.Type,
                details: node.Describe());
        foreach (NodeDefinition node in nodes)
            foreach (string parent in node.Parents.Where(parent => parent != NodeDefinition.OfRequest).Distinct(StringComparer.Ordinal))
                builder.Connect(parent, node.Name);
        return builder.Build(open: true);
    }

    private string? Subject => family.Name is { } name ? $"The graph '{name}'" : null;

    private void CheckTypes(NodeDefinition[] ordered)
    {
        Dictionary<string, NodeDefinition> byName = ordered.ToDictionary(node => node.Name, StringComparer.Ordinal);
        string[] problems =
        [
            .. from node in ordered
               where node.ParentTypes is not null
               from index in Enumerable.Range(0, node.Parents.Length)
               let isRequest = node.Parents[index] == NodeDefinition.OfRequest
               let type = isRequest ? typeof(TRequest) : byName[node.Parents[index]].Type
               where type != node.ParentTypes![index]
               select $"{node.Name} takes {TypeNames.Of(node.ParentTypes![index])} "
               + $"from {(isRequest ? "the request, which is" : $"{node.Parents[index]}, which produces")} {TypeNames.Of(type)}.",
            .. from stranger in strangers
               where byName.GetValueOrDefault(stranger.Node.Name) == stranger.Node
               let parent = stranger.Parent
               select $"{stranger.Node.Name} was given the node {parent.Name} of {parent.Family}, and this one has a node of that name, "
               + $"too. Give it this graph's node: what Add returned here, or Get<{TypeNames.Of(parent.Type)}>(\"{parent.Name}\").",
        ];
        if (problems.Length > 0) throw new InvalidTopologyException(problems, Subject);
    }

    private int IndexOf(string node)
    {
        ArgumentNullException.ThrowIfNull(node);
        int index = nodes.FindIndex(one => one.Name == node);
        return index >= 0 ? index : throw new KeyNotFoundException(NearNames.Explain("node", node, [.. nodes.Select(one => one.Name)]));
    }

    private GraphNode<T> Add<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicProperties)] T>(
        string name, GraphNode[] parents, Type[]? parentTypes, Delegate function, NodeBody<T> body)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(name);
        ArgumentNullException.ThrowIfNull(function);
        if (PendingWork.Is(typeof(T)))
            throw new ArgumentException(
                $"The node {name} would produce a {TypeNames.Of(typeof(T))}, which would not be awaited, and its failure would be lost. "
                    + "Let the function await it (async … => await …), or return one task that is not within another.", nameof(function));
        foreach (GraphNode parent in parents) ArgumentNullException.ThrowIfNull(parent, nameof(parents));
        var definition = new NodeDefinition<T>(name, Array.ConvertAll(parents, parent => parent.Name), function,
            Array.TrueForAll(parents, parent => parent.Name == NodeDefinition.OfRequest), body)
        {
            ParentTypes = parentTypes,
            Family = family,
        };
        foreach (GraphNode parent in parents)
            if (parent.Name != NodeDefinition.OfRequest && parent.Definition.Family != family)
                strangers.Add((definition, parent.Definition));
        // In a graph that is being changed it replaces the node of this name; Build finds duplicate names of new nodes.
        if (replaceable.Remove(name)) nodes[IndexOf(name)] = definition;
        else nodes.Add(definition);
        return new(definition);
    }
}
