namespace Sluice.Topologies;

/// <summary>
/// A graph whose nodes lie in layers, so that each link leads from one layer to the next: an edge that is longer has a bend in each layer
/// between its ends.
/// </summary>
/// <remarks>
/// Each node lies one layer behind its farthest upstream node (longest-path layering, as in K. Sugiyama, S. Tagawa, M. Toda, "Methods for
/// visual understanding of hierarchical system structures", 1981). A node without inputs moves right, next to what it feeds. Used by one
/// thread.
/// </remarks>
internal sealed class LayerGraph
{
    private readonly List<int> layerOf = [];
    private readonly List<int> edgeOf = [];
    private readonly List<List<Link>> inward = [], outward = [];

    private LayerGraph(int nodes) => Nodes = nodes;

    /// <summary>How many of the places are nodes. They come first; the others are bends of edges.</summary>
    public int Nodes { get; }

    /// <summary>How many nodes and bends there are.</summary>
    public int Places => layerOf.Count;

    /// <summary>The places of each layer, in their order from top to bottom.</summary>
    public int[][] Layers { get; private set; } = [];

    /// <summary>The places along each edge of the topology, with its two nodes.</summary>
    public List<int>[] Ways { get; private set; } = [];

    /// <summary>Makes the layers of a topology; null if there would be too many places.</summary>
    public static LayerGraph? Of(Topology topology, int maxPlaces)
    {
        if (topology.Nodes.Count > maxPlaces) return null;
        var graph = new LayerGraph(topology.Nodes.Count);
        int[] layers = LayersOf(topology);
        foreach (int layer in layers) graph.Add(layer, edge: -1);
        graph.Ways = new List<int>[topology.Edges.Count];
        for (int edge = 0; edge < topology.Edges.Count; edge++)
        {
            (int from, int to) = (topology.Edges[edge].From.Id, topology.Edges[edge].To.Id);
            if (graph.Places + layers[to] - layers[from] > maxPlaces) return null;
            List<int> way = graph.Ways[edge] = [from];
            for (int layer = layers[from] + 1; layer < layers[to]; layer++) way.Add(graph.Add(layer, edge));
            way.Add(to);
            for (int i = 1; i < way.Count; i++) graph.Connect(new(way[i - 1], way[i], edge));
        }
        graph.Layers = [.. Enumerable.Range(0, graph.Places).GroupBy(place => graph.layerOf[place]).OrderBy(static layer => layer.Key)
            .Select(static layer => layer.ToArray())];
        return graph;
    }

    public bool IsBend(int place) => place >= Nodes;

    public int LayerOf(int place) => layerOf[place];

    /// <summary>The edge of a bend; -1 for a node.</summary>
    public int EdgeOf(int place) => edgeOf[place];

    /// <summary>The links from the layer before.</summary>
    public List<Link> Into(int place) => inward[place];

    /// <summary>The links to the next layer.</summary>
    public List<Link> OutOf(int place) => outward[place];

    private int Add(int layer, int edge)
    {
        layerOf.Add(layer);
        edgeOf.Add(edge);
        inward.Add([]);
        outward.Add([]);
        return layerOf.Count - 1;
    }

    private void Connect(Link link)
    {
        outward[link.From].Add(link);
        inward[link.To].Add(link);
    }

    private static int[] LayersOf(Topology topology)
    {
        var layers = new int[topology.Nodes.Count];
        IReadOnlyList<TopologyNode> order = topology.InOrder();
        foreach (TopologyNode node in order)
            foreach (TopologyEdge edge in topology.Incoming(node))
                layers[node.Id] = Math.Max(layers[node.Id], layers[edge.From.Id] + 1);
        foreach (TopologyNode node in order)
            if (topology.Incoming(node).Count == 0 && topology.Outgoing(node) is { Count: > 0 } edges)
                layers[node.Id] = edges.Min(edge => layers[edge.To.Id]) - 1;
        return layers;
    }
}

/// <summary>A part of an edge, from one layer to the next.</summary>
/// <param name="From">The place in the earlier layer.</param>
/// <param name="To">The place in the later layer.</param>
/// <param name="Edge">The index of the edge in the topology.</param>
internal readonly record struct Link(int From, int To, int Edge);
