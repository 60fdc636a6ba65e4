using Sluice.Topologies;

namespace Sluice.Graphs;

/// <summary>A built graph: nodes in topological order, with parents and children by number.</summary>
/// <remarks>Immutable, but for its watchers. Thread-safe.</remarks>
internal sealed class GraphPlan
{
    private readonly Dictionary<string, int> numbers;

    public GraphPlan(NodeDefinition[] nodes, Topology topology, GraphOptions options)
    {
        (Nodes, Topology, Options, Watchers) = (nodes, topology, options, new(options.Time));
        numbers = new(nodes.Length, StringComparer.Ordinal);
        for (int i = 0; i < nodes.Length; i++)
        {
            numbers.Add(nodes[i].Name, i);
            nodes[i].LatestNumber = i;
        }
        Parents = Array.ConvertAll(nodes, node => Array.ConvertAll(node.Parents, parent => parent == NodeDefinition.OfRequest ? nodes.Length
            : numbers[parent]));
        TakesRequest = Array.Exists(Parents, parents => Array.IndexOf(parents, nodes.Length) >= 0);
        Children = Invert(Parents);
        Counts = Array.ConvertAll(Parents, parents => parents.Count(parent => parent < nodes.Length));
        Needed = FindNeeded(nodes, Parents);
        Roots = [.. Enumerable.Range(0, nodes.Length).Where(node => Counts[node] == 0)];
        LetsContextsGo = nodes.Length <= PendingNodes.Count && !options.RecordTimings
            && Array.TrueForAll(nodes, node => node.IsPlain && node.ParentTypes is not null);
    }

    public NodeDefinition[] Nodes { get; }

    public Topology Topology { get; }

    public GraphOptions Options { get; }

    public TimeProvider Time => Options.Time;

    /// <summary>Those that are told of each resolve.</summary>
    public ResolveWatchers Watchers { get; }

    /// <summary>The parents of each node, by number. The request has the number after the last node.</summary>
    public int[][] Parents { get; }

    /// <summary>Whether a node has the request as a parent; then the request has a slot after those of the nodes.</summary>
    public bool TakesRequest { get; }

    /// <summary>The children of each node, once for each time that a child names it.</summary>
    public int[][] Children { get; }

    /// <summary>The number of parents of each node, without the request.</summary>
    public int[] Counts { get; }

    public int[] Roots { get; }

    /// <summary>For each node, which parents (by index) must produce a value, or the node is skipped; null for none.</summary>
    public bool[]?[] Needed { get; }

    /// <summary>Whether nothing of a resolve knows its context when it has ended well: no function takes the context, and no call is
    /// abandoned.</summary>
    public bool LetsContextsGo { get; }

    public int? Find(string name) => numbers.TryGetValue(name, out int number) ? number : null;

    public int Get(string name)
        => Find(name) ?? throw new KeyNotFoundException(name == NodeDefinition.OfRequest
        ? "The request is no node of the graph: a context has it as Request." : NearNames.Explain("node", name, numbers.Keys));

    /// <summary>Finds a node by a handle, which may be of another graph.</summary>
    /// <param name="node">The handle.</param>
    /// <param name="what">What is asked, for messages: "the result of ", or empty for the graph itself.</param>
    public int NumberOf(GraphNode node, string what)
    {
        if (node.Name == NodeDefinition.OfRequest) _ = Get(node.Name);     // throws, and says where the request is
        GraphFamily? family = Nodes is [{ Family: { } its }, ..] ? its : null;
        int number = Find(node.Name) ?? (node.Definition.Family == family ? Get(node.Name) : throw new KeyNotFoundException(
            $"The node {node.Name} is of {node.Definition.Family}, and this is {what}{family}, which has no node of that name."));
        return node.Definition.Family == family ? number : throw new ArgumentException(
            $"The node {node.Name} is of {node.Definition.Family}, and this is {what}{family}, which has a node of that name, too. "
                + $"Ask for its own: graph.Get<{TypeNames.Of(Nodes[number].Type)}>(\"{node.Name}\").", nameof(node));
    }

    /// <inheritdoc cref="NumberOf(GraphNode, string)"/>
    public int NumberOf<T>(GraphNode<T> node, string what)
    {
        int number = node.Definition.LatestNumber;
        if (number < Nodes.Length && ReferenceEquals(Nodes[number], node.Definition)) return number;
        number = NumberOf((GraphNode)node, what);
        Type type = Nodes[number].Type;
        return type.IsAssignableTo(typeof(T)) || Nullable.GetUnderlyingType(typeof(T)) == type ? number
            : throw new InvalidOperationException(
            $"The node {node.Name} of this graph produces {TypeNames.Of(type)}, not {TypeNames.Of(typeof(T))}.");
    }

    /// <summary>A parameter of a value type cannot be null, so it needs a value from a parent that may produce none.</summary>
    private static bool[]?[] FindNeeded(NodeDefinition[] nodes, int[][] parents)
    {
        var needed = new bool[]?[nodes.Length];
        var mayLack = new bool[nodes.Length];
        for (int node = 0; node < nodes.Length; node++)
        {
            bool[] needs = [.. parents[node].Select((parent, i) => parent < nodes.Length
                && (nodes[node].NeedsParent(i) || (mayLack[parent] && nodes[node].TakesValueFrom(i))))];
            if (Array.IndexOf(needs, true) >= 0) needed[node] = needs;
            // Also with a fallback: it may throw.
            mayLack[node] = needed[node] is not null || nodes[node].IsOptional;
        }
        return needed;
    }

    private static int[][] Invert(int[][] parents)
    {
        var counts = new int[parents.Length];
        foreach (int[] some in parents) foreach (int parent in some) if (parent < parents.Length) counts[parent]++;
        int[][] children = Array.ConvertAll(counts, count => new int[count]);
        // Backwards, so that each node has its children in the order of the plan.
        for (int node = parents.Length - 1; node >= 0; node--)
            foreach (int parent in parents[node]) if (parent < parents.Length) children[parent][--counts[parent]] = node;
        return children;
    }
}
