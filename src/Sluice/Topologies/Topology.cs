namespace Sluice.Topologies;

/// <summary>The structure of a graph: named nodes and the edges between them. Pipelines, task graphs and flows each have one.</summary>
/// <remarks>
/// Immutable and valid: names are unique, there are no cycles, and every input and branch is connected. Thread-safe. No member recurses, so
/// graphs of 100,000 nodes work.
/// </remarks>
public sealed class Topology
{
    private readonly Adjacency adjacency;

    // Computed on first use, because most runs never need them. Racing threads compute equal values.
    private Dictionary<string, TopologyNode>? byName;
    private TopologyNode[]? inOrder;

    internal Topology(string? name, TopologyNode[] nodes, TopologyEdge[] edges, Adjacency adjacency, TopologyNode[]? criticalPath = null)
    {
        Name = name;
        CriticalPath = (criticalPath ?? []).AsReadOnly();
        Nodes = nodes.AsReadOnly();
        Edges = edges.AsReadOnly();
        this.adjacency = adjacency;
    }

    /// <summary>The name of the graph; null if it has none.</summary>
    public string? Name { get; }

    /// <summary>All nodes, in the order in which they were added; a node's <see cref="TopologyNode.Id"/> is its index here.</summary>
    public IReadOnlyList<TopologyNode> Nodes { get; }

    /// <summary>All edges, in the order in which they were connected.</summary>
    public IReadOnlyList<TopologyEdge> Edges { get; }

    /// <summary>
    /// The critical path of a finished run: it ends with the node that ended last; before each node comes its upstream node that ended
    /// last. Empty before a run, and unless nodes run once and their times were recorded.
    /// </summary>
    public IReadOnlyList<TopologyNode> CriticalPath { get; }

    /// <summary>Finds a node by its name.</summary>
    /// <param name="name">The name; case-sensitive.</param>
    /// <returns>The node.</returns>
    /// <exception cref="KeyNotFoundException">No node has this name; the message lists similar names.</exception>
    public TopologyNode Find(string name)
        => TryFind(name, out var node) ? node : throw new KeyNotFoundException(NearNames.Explain("node", name, ByName.Keys));

    /// <summary>Finds a node by its name, if it exists.</summary>
    /// <param name="name">The name; case-sensitive.</param>
    /// <param name="node">The node; null if no node has this name.</param>
    /// <returns>Whether the node exists.</returns>
    public bool TryFind(string name, [System.Diagnostics.CodeAnalysis.MaybeNullWhen(false)] out TopologyNode node)
    {
        ArgumentNullException.ThrowIfNull(name);
        return ByName.TryGetValue(name, out node);
    }

    /// <summary>Returns the edges into a node, in the order in which they were connected.</summary>
    /// <param name="node">A node of this topology.</param>
    /// <returns>The edges; empty for a source.</returns>
    /// <exception cref="ArgumentException">The node belongs to another topology.</exception>
    public IReadOnlyList<TopologyEdge> Incoming(TopologyNode node) => Pick(adjacency.Incoming(Own(node)));

    /// <summary>Returns the edges out of a node, in the order in which they were connected.</summary>
    /// <param name="node">A node of this topology.</param>
    /// <returns>The edges; empty for a sink.</returns>
    /// <exception cref="ArgumentException">The node belongs to another topology.</exception>
    public IReadOnlyList<TopologyEdge> Outgoing(TopologyNode node) => Pick(adjacency.Outgoing(Own(node)));

    /// <summary>Returns the nodes one edge upstream, each once.</summary>
    /// <param name="node">A node of this topology.</param>
    /// <returns>The nodes, in the order in which they were connected.</returns>
    /// <exception cref="ArgumentException">The node belongs to another topology.</exception>
    public IReadOnlyList<TopologyNode> Upstream(TopologyNode node) => [.. Incoming(node).Select(edge => edge.From).Distinct()];

    /// <summary>Returns the nodes one edge downstream, each once.</summary>
    /// <param name="node">A node of this topology.</param>
    /// <returns>The nodes, in the order in which they were connected.</returns>
    /// <exception cref="ArgumentException">The node belongs to another topology.</exception>
    public IReadOnlyList<TopologyNode> Downstream(TopologyNode node) => [.. Outgoing(node).Select(edge => edge.To).Distinct()];

    /// <summary>Returns all nodes that reach this one, nearest first, each once, without the node itself.</summary>
    /// <param name="node">A node of this topology.</param>
    /// <returns>A lazy sequence.</returns>
    /// <exception cref="ArgumentException">The node belongs to another topology.</exception>
    public IEnumerable<TopologyNode> AllUpstream(TopologyNode node) => Walk(Own(node), up: true);

    /// <summary>Returns all nodes reachable from this one, nearest first, each once, without the node itself.</summary>
    /// <param name="node">A node of this topology.</param>
    /// <returns>A lazy sequence.</returns>
    /// <exception cref="ArgumentException">The node belongs to another topology.</exception>
    public IEnumerable<TopologyNode> AllDownstream(TopologyNode node) => Walk(Own(node), up: false);

    /// <summary>Returns all nodes in topological order; independent nodes by id.</summary>
    /// <returns>The nodes in topological order.</returns>
    public IReadOnlyList<TopologyNode> InOrder()
        => (inOrder ??= [.. adjacency.TopologicalOrder().Select(id => Nodes[id])]).AsReadOnly();

    /// <summary>Draws the graph for a terminal: chains as <c>a | b | c</c>, fan-outs as trees, merges by name.</summary>
    /// <param name="label">Returns the text beside a node, such as counts of a run; null for none.</param>
    /// <returns>Lines separated by <c>\n</c>; after a run with the times of nodes, and a star at nodes of the critical path.</returns>
    public string ToText(Func<TopologyNode, string?>? label = null) => TextDrawing.Draw(this, NodeLabel.Of(this, label, mark: "* "));

    /// <summary>Draws the graph as a Mermaid flowchart.</summary>
    /// <param name="label">Returns the text below a node's name; null for none.</param>
    /// <returns>The flowchart, lines separated by <c>\n</c>; after a run with the times of nodes, and the critical path marked.</returns>
    public string ToMermaid(Func<TopologyNode, string?>? label = null) => MermaidDrawing.Draw(this, NodeLabel.Of(this, label));

    /// <summary>Draws the graph in the language of Graphviz; <c>dot -Tsvg</c> renders it.</summary>
    /// <param name="label">Returns the text below a node's name; null for none.</param>
    /// <returns>The digraph, lines separated by <c>\n</c>; after a run with the times of nodes, and the critical path marked.</returns>
    public string ToDot(Func<TopologyNode, string?>? label = null) => DotDrawing.Draw(this, NodeLabel.Of(this, label));

    /// <summary>
    /// Draws the graph as an SVG that needs no other program, font or script: in layers from left to right, no two boxes overlap and no
    /// edge crosses a box. Good to some 60 nodes; beyond about 4,000 nodes and bends of edges, the picture is a sentence that says so.
    /// </summary>
    /// <param name="label">Returns the text below a node's name, in lines; null for none.</param>
    /// <param name="theme">The colours.</param>
    /// <returns>The SVG, lines separated by <c>\n</c>; after a run with the times of nodes, and the critical path marked. Each node's group
    /// has its <see cref="TopologyNode.Id"/> as <c>data-node</c>, each edge's group its index in <see cref="Edges"/> as
    /// <c>data-edge</c>.</returns>
    public string ToSvg(Func<TopologyNode, string?>? label = null, SvgTheme theme = SvgTheme.Auto)
        => SvgDrawing.Draw(this, NodeLabel.Of(this, label), theme);

    /// <summary>Draws the graph as <see cref="ToText"/> without labels.</summary>
    /// <returns>The drawing.</returns>
    public override string ToString() => ToText();

    /// <summary>Returns the same graph with replaced nodes and edges, for times and the critical path.</summary>
    internal Topology With(TopologyNode[] nodes, TopologyEdge[] edges, TopologyNode[] criticalPath)
        => new(Name, nodes, edges, adjacency, criticalPath);

    /// <summary>Returns the topology of a run with times, by node id; null for a node that did not run.</summary>
    internal Topology WithTimes(Func<int, NodeTime?> timeOf) => TimedTopology.Of(this, timeOf);

    private Dictionary<string, TopologyNode> ByName => byName ??= Nodes.ToDictionary(node => node.Name, StringComparer.Ordinal);

    private int Own(TopologyNode node)
    {
        ArgumentNullException.ThrowIfNull(node);
        if (node.Id < Nodes.Count && ReferenceEquals(Nodes[node.Id], node)) return node.Id;
        throw new ArgumentException($"The node {node.Name} belongs to another topology. Find it by name in this one first.", nameof(node));
    }

    private TopologyEdge[] Pick(ReadOnlySpan<int> edges)
    {
        if (edges.IsEmpty) return [];
        var picked = new TopologyEdge[edges.Length];
        for (var i = 0; i < edges.Length; i++) picked[i] = Edges[edges[i]];
        return picked;
    }

    private IEnumerable<TopologyNode> Walk(int start, bool up)
    {
        var seen = new HashSet<int> { start };
        var next = new Queue<int>([start]);
        while (next.TryDequeue(out var id))
        {
            var count = (up ? adjacency.Incoming(id) : adjacency.Outgoing(id)).Length;
            for (var i = 0; i < count; i++)
            {
                var edge = Edges[(up ? adjacency.Incoming(id) : adjacency.Outgoing(id))[i]];
                var other = up ? edge.From : edge.To;
                if (!seen.Add(other.Id)) continue;
                next.Enqueue(other.Id);
                yield return other;
            }
        }
    }
}
