namespace Sluice.Topologies;

/// <summary>Collects nodes and edges, validates them, and builds the <see cref="Topology"/>. Not thread-safe.</summary>
/// <param name="name">The name of the graph; null for none.</param>
internal sealed class TopologyBuilder(string? name = null)
{
    private readonly List<Draft> drafts = [];
    private readonly List<DraftEdge> edges = [];

    /// <summary>Whether nodes are calls that wait for others, and no stages that items pass; for messages.</summary>
    public bool IsOfCalls { get; init; }

    /// <summary>The noun for messages that name the graph.</summary>
    public string Term { get; init; } = "graph";

    /// <summary>The number of nodes so far: the id of the next one.</summary>
    internal int Count => drafts.Count;

    /// <summary>Returns a hint for <see cref="Add"/>: the name of a method or a local function; null for a lambda.</summary>
    internal static string? NameOf(Delegate function) => NodeNames.Of(function);

    /// <summary>Adds a node and returns its id: 0, 1, 2…</summary>
    /// <param name="kind">The node's operation: "source", "map", "sink"…</param>
    /// <param name="name">The user's name for the node, which must be unique; null for none.</param>
    /// <param name="hint">A name to use if it is free, for example from <see cref="NameOf"/>; ignored if there is a name.</param>
    /// <param name="input">The type of the input. A node with an input needs an incoming edge.</param>
    /// <param name="output">The type of the output.</param>
    /// <param name="details">Annotations such as "parallel 8".</param>
    /// <param name="ports">The node's branches; each needs an edge.</param>
    /// <param name="isOnlyEdges">See <see cref="TopologyNode.IsOnlyEdges"/>.</param>
    /// <param name="lanesBy">See <see cref="TopologyNode.LanesBy"/>.</param>
    internal int Add(
        string kind,
        string? name = null,
        string? hint = null,
        Type? input = null,
        Type? output = null,
        IEnumerable<string>? details = null,
        IEnumerable<string>? ports = null,
        bool isOnlyEdges = false,
        LaneSetting lanesBy = LaneSetting.None)
    {
        ArgumentException.ThrowIfNullOrEmpty(kind);
        if (name is not null && string.IsNullOrWhiteSpace(name))
            throw new InvalidTopologyException($"A {kind} node was given an empty name. Give it one that can be read, or none.");
        drafts.Add(new(kind, name, string.IsNullOrWhiteSpace(hint) ? null : hint, input, output, ToArray(details), ToArray(ports),
            isOnlyEdges, lanesBy));
        return drafts.Count - 1;
    }

    /// <summary>Connects two nodes by id, in the direction in which items move.</summary>
    internal void Connect(int from, int to, string? port = null) => edges.Add(new(from, to, null, null, port));

    /// <summary>Connects two nodes by name. <see cref="Build"/> resolves the names, so nodes may be added later.</summary>
    internal void Connect(string from, string to, string? port = null)
    {
        ArgumentNullException.ThrowIfNull(from);
        ArgumentNullException.ThrowIfNull(to);
        edges.Add(new(-1, -1, from, to, port));
    }

    /// <summary>Validates the graph and builds the topology. The builder can be used again for a larger one.</summary>
    /// <param name="open">Whether inputs and branches may stay unconnected, as in a pipe without a source.</param>
    /// <exception cref="InvalidTopologyException">Duplicate names, unknown references, cycles, unconnected nodes or branches.</exception>
    internal Topology Build(bool open = false)
    {
        var names = NodeNames.Assign(drafts);
        var problems = new List<string>();
        var (from, to) = TopologyCheck.Resolve(drafts, names, edges, IsOfCalls, problems);
        if (problems.Count > 0) throw new InvalidTopologyException(problems, Subject);

        var adjacency = new Adjacency(drafts.Count, from, to);
        TopologyCheck.Check(drafts, names, edges, adjacency, open, IsOfCalls, problems);
        if (problems.Count > 0) throw new InvalidTopologyException(problems, Subject);

        var nodes = new TopologyNode[drafts.Count];
        for (var id = 0; id < nodes.Length; id++)
        {
            var draft = drafts[id];
            nodes[id] = new(id, names[id], draft.Kind, draft.Input, draft.Output, draft.Details)
            {
                IsOnlyEdges = draft.IsOnlyEdges,
                Function = draft.Hint,
                LanesBy = draft.LanesBy,
            };
        }

        var made = new TopologyEdge[from.Length];
        for (var edge = 0; edge < made.Length; edge++) made[edge] = new(nodes[from[edge]], nodes[to[edge]], edges[edge].Port);
        return new(name, nodes, made, adjacency);
    }

    private string? Subject => name is null ? null : $"The {Term} '{name}'";

    private static string[] ToArray(IEnumerable<string>? values) => values is null ? [] : [.. values];

    /// <summary>A node before it has its final name.</summary>
    internal sealed record Draft(
        string Kind, string? Name, string? Hint, Type? Input, Type? Output, string[] Details, string[] Ports, bool IsOnlyEdges = false,
        LaneSetting LanesBy = LaneSetting.None);

    /// <summary>An edge by ids, or by names with the ids -1, to be resolved later.</summary>
    internal readonly record struct DraftEdge(int From, int To, string? FromName, string? ToName, string? Port);
}
