namespace Sluice;

/// <summary>
/// What a graph is: named nodes and the edges between them. Every front door (pipelines, task graphs, flows) makes one.
/// </summary>
/// <remarks>
/// Immutable and checked: names are unique, there are no cycles, nothing is left unconnected. All members may be used from any
/// thread, and none of them recurses, so graphs of 100,000 nodes are fine.
/// </remarks>
public sealed class Topology
{
    private readonly Adjacency adjacency;

    // Both are computed on first use, because most runs never ask. Racing threads compute equal values, so either may win.
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

    /// <summary>The name of the graph, or null.</summary>
    public string? Name { get; }

    /// <summary>All nodes, in the order in which they were added; a node's <see cref="TopologyNode.Id"/> is its index here.</summary>
    public IReadOnlyList<TopologyNode> Nodes { get; }

    /// <summary>All edges, in the order in which they were connected.</summary>
    public IReadOnlyList<TopologyEdge> Edges { get; }

    /// <summary>
    /// What a run waited for, in the picture of a run whose nodes run once and whose times were recorded: the node that ended last, and before each node the one
    /// that it waited for last; first the one that started it all. Empty before a run.
    /// </summary>
    public IReadOnlyList<TopologyNode> CriticalPath { get; }

    /// <summary>Finds a node by its name.</summary>
    /// <param name="name">The name, matched exactly (case matters).</param>
    /// <returns>The node.</returns>
    /// <exception cref="KeyNotFoundException">No node has this name; the message lists names that are near.</exception>
    public TopologyNode Find(string name)
        => TryFind(name, out var node) ? node : throw new KeyNotFoundException(NearNames.Explain("node", name, ByName.Keys));

    /// <summary>Finds a node by its name.</summary>
    /// <param name="name">The name, matched exactly (case matters).</param>
    /// <param name="node">The node, or null when there is none of this name.</param>
    /// <returns>Whether there is such a node.</returns>
    public bool TryFind(string name, [System.Diagnostics.CodeAnalysis.MaybeNullWhen(false)] out TopologyNode node)
    {
        ArgumentNullException.ThrowIfNull(name);
        return ByName.TryGetValue(name, out node);
    }

    /// <summary>The edges that lead into a node, in the order in which they were connected.</summary>
    /// <param name="node">A node of this topology.</param>
    /// <returns>The edges; empty for a source.</returns>
    /// <exception cref="ArgumentException">The node belongs to another topology.</exception>
    public IReadOnlyList<TopologyEdge> Incoming(TopologyNode node) => Pick(adjacency.Incoming(Own(node)));

    /// <summary>The edges that lead out of a node, in the order in which they were connected.</summary>
    /// <param name="node">A node of this topology.</param>
    /// <returns>The edges; empty for a sink.</returns>
    /// <exception cref="ArgumentException">The node belongs to another topology.</exception>
    public IReadOnlyList<TopologyEdge> Outgoing(TopologyNode node) => Pick(adjacency.Outgoing(Own(node)));

    /// <summary>The nodes one step up, each once.</summary>
    /// <param name="node">A node of this topology.</param>
    /// <returns>The nodes, in the order in which they were connected.</returns>
    /// <exception cref="ArgumentException">The node belongs to another topology.</exception>
    public IReadOnlyList<TopologyNode> Upstream(TopologyNode node) => [.. Incoming(node).Select(edge => edge.From).Distinct()];

    /// <summary>The nodes one step down, each once.</summary>
    /// <param name="node">A node of this topology.</param>
    /// <returns>The nodes, in the order in which they were connected.</returns>
    /// <exception cref="ArgumentException">The node belongs to another topology.</exception>
    public IReadOnlyList<TopologyNode> Downstream(TopologyNode node) => [.. Outgoing(node).Select(edge => edge.To).Distinct()];

    /// <summary>All nodes from which this one can be reached, nearest first, each once, without the node itself.</summary>
    /// <param name="node">A node of this topology.</param>
    /// <returns>A walk that is made as it is enumerated.</returns>
    /// <exception cref="ArgumentException">The node belongs to another topology.</exception>
    public IEnumerable<TopologyNode> AllUpstream(TopologyNode node) => Walk(Own(node), up: true);

    /// <summary>All nodes that can be reached from this one, nearest first, each once, without the node itself.</summary>
    /// <param name="node">A node of this topology.</param>
    /// <returns>A walk that is made as it is enumerated.</returns>
    /// <exception cref="ArgumentException">The node belongs to another topology.</exception>
    public IEnumerable<TopologyNode> AllDownstream(TopologyNode node) => Walk(Own(node), up: false);

    /// <summary>All nodes, each after everything upstream of it; nodes that do not depend on each other in the order of their ids.</summary>
    /// <returns>The nodes in topological order.</returns>
    public IReadOnlyList<TopologyNode> InOrder()
        => (inOrder ??= [.. adjacency.TopologicalOrder().Select(id => Nodes[id])]).AsReadOnly();

    /// <summary>Draws the graph for a terminal.</summary>
    /// <param name="label">What to write beside a node, such as counts of a run; null for nothing.</param>
    /// <returns>Lines separated by <c>\n</c>, after a run with the times of the nodes, a star for those of the critical path: chains as <c>a | b | c</c>, fan-outs as trees, merges referred to by name.</returns>
    public string ToText(Func<TopologyNode, string?>? label = null) => TextDrawing.Draw(this, NodeLabel.Of(this, label, mark: "* "));

    /// <summary>Draws the graph as a Mermaid flowchart.</summary>
    /// <param name="label">What to write below a node's name; null for nothing.</param>
    /// <returns>The text of the flowchart, lines separated by <c>\n</c>; after a run with the times of the nodes, and the critical path marked.</returns>
    public string ToMermaid(Func<TopologyNode, string?>? label = null) => MermaidDrawing.Draw(this, NodeLabel.Of(this, label));

    /// <summary>Draws the graph in Graphviz' language: <c>dot -Tsvg</c> makes a picture of it.</summary>
    /// <param name="label">What to write below a node's name; null for nothing.</param>
    /// <returns>The text of the digraph, lines separated by <c>\n</c>; after a run with the times of the nodes, and the critical path marked.</returns>
    public string ToDot(Func<TopologyNode, string?>? label = null) => DotDrawing.Draw(this, NodeLabel.Of(this, label));

    /// <summary>The same as <see cref="ToText"/> without labels.</summary>
    /// <returns>The drawing.</returns>
    public override string ToString() => ToText();

    /// <summary>The same graph, of nodes and edges that say more.</summary>
    internal Topology With(TopologyNode[] nodes, TopologyEdge[] edges, TopologyNode[] criticalPath) => new(Name, nodes, edges, adjacency, criticalPath);

    /// <summary>The picture of a run: by a node's id when it ran, null if it did not.</summary>
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
