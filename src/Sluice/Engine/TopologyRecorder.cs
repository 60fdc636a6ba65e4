namespace Sluice;

/// <summary>
/// Writes down the nodes and edges of a blueprint; the topology, with its names, is made when somebody asks.
/// </summary>
/// <remarks>
/// A run is built from its ends to its sources, so nodes are numbered backwards; the topology lists them forwards.
/// Filled by one thread, then read by any.
/// </remarks>
internal sealed class TopologyRecorder
{
    private readonly List<NodeRecord> nodes = [];
    private readonly List<EdgeRecord> edges = [];
    private Topology? topology;

    public int Count => nodes.Count;

    public Topology Topology => topology ??= Make();

    public int Add(in NodeRecord node)
    {
        nodes.Add(node);
        return nodes.Count - 1;
    }

    public void Connect(int from, int to, string? port = null) => edges.Add(new(from, to, port));

    public string NameOf(int node) => node < 0 ? "run" : Topology.Nodes[Forward(node)].Name;

    public TopologyNode NodeOf(int node) => Topology.Nodes[Forward(node)];

    /// <summary>The nodes that feed this one, by the recorder's numbers.</summary>
    public IEnumerable<int> Feeding(int node)
    {
        foreach (EdgeRecord edge in edges)
            if (edge.To == node) yield return edge.From;
    }

    private int Forward(int node) => nodes.Count - 1 - node;

    private Topology Make()
    {
        var builder = new TopologyBuilder();
        for (int i = nodes.Count - 1; i >= 0; i--)
        {
            NodeRecord node = nodes[i];
            builder.Add(
                node.Kind,
                node.Options.Name,
                node.Hint ?? (node.Function is null ? null : TopologyBuilder.NameOf(node.Function)),
                node.Input,
                node.Output,
                node.Options.Describe());
        }
        for (int i = edges.Count - 1; i >= 0; i--) builder.Connect(Forward(edges[i].From), Forward(edges[i].To), edges[i].Port);
        return builder.Build(open: true);
    }

    private readonly record struct EdgeRecord(int From, int To, string? Port);
}

/// <summary>What is known of a node before it has its name.</summary>
/// <param name="Kind">"map", "filter", "sink".</param>
/// <param name="Options">Its annotations.</param>
/// <param name="Function">The user's function, for its name.</param>
/// <param name="Hint">A name, where there is no function.</param>
/// <param name="Input">The type of what goes in, if anything does.</param>
/// <param name="Output">The type of what comes out, if anything does.</param>
internal readonly record struct NodeRecord(string Kind, StageOptions Options, Delegate? Function, string? Hint, Type? Input, Type? Output);
