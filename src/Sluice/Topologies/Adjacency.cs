namespace Sluice.Topologies;

/// <summary>
/// The edges of each node, as flat arrays: two passes to build, no object per node. The edges of a node are in the order in which they were
/// connected.
/// </summary>
internal sealed class Adjacency
{
    private readonly int[] from;
    private readonly int[] to;
    private readonly int[] outgoing;
    private readonly int[] outgoingStart;
    private readonly int[] incoming;
    private readonly int[] incomingStart;

    /// <summary>Indexes the edges <c>from[i] -> to[i]</c> between the nodes 0 … nodeCount - 1.</summary>
    internal Adjacency(int nodeCount, int[] from, int[] to)
    {
        NodeCount = nodeCount;
        this.from = from;
        this.to = to;
        (outgoingStart, outgoing) = GroupBy(from, nodeCount);
        (incomingStart, incoming) = GroupBy(to, nodeCount);
    }

    internal int NodeCount { get; }

    internal ReadOnlySpan<int> Outgoing(int node) => outgoing.AsSpan(outgoingStart[node]..outgoingStart[node + 1]);

    internal ReadOnlySpan<int> Incoming(int node) => incoming.AsSpan(incomingStart[node]..incomingStart[node + 1]);

    internal int From(int edge) => from[edge];

    internal int To(int edge) => to[edge];

    /// <summary>
    /// Sorts the nodes topologically by Kahn's algorithm. Nodes on a cycle, and their downstream nodes, are missing in the result.
    /// </summary>
    internal List<int> TopologicalOrder()
    {
        var waitingFor = new int[NodeCount];
        var ready = new PriorityQueue<int, int>();
        for (var node = 0; node < NodeCount; node++)
        {
            waitingFor[node] = Incoming(node).Length;
            if (waitingFor[node] == 0) ready.Enqueue(node, node);
        }

        var order = new List<int>(NodeCount);
        while (ready.TryDequeue(out var node, out _))
        {
            order.Add(node);
            foreach (var edge in Outgoing(node))
                if (--waitingFor[to[edge]] == 0) ready.Enqueue(to[edge], to[edge]);
        }

        return order;
    }

    private static (int[] Start, int[] Edges) GroupBy(int[] ends, int nodeCount)
    {
        var start = new int[nodeCount + 1];
        foreach (var end in ends) start[end + 1]++;
        for (var node = 0; node < nodeCount; node++) start[node + 1] += start[node];

        var free = start.AsSpan(0, nodeCount).ToArray();
        var edges = new int[ends.Length];
        for (var edge = 0; edge < ends.Length; edge++) edges[free[ends[edge]]++] = edge;
        return (start, edges);
    }
}
