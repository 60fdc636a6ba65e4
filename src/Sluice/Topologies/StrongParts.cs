namespace Sluice.Topologies;

/// <summary>
/// Strongly connected components, after R. Tarjan, "Depth-first search and linear graph algorithms" (1972). It has its own stack instead of
/// recursion, so that a chain of 100,000 nodes does not overflow the thread's stack.
/// </summary>
internal static class StrongParts
{
    /// <summary>Returns the component number of every node. Two nodes reach each other if and only if their numbers are equal.</summary>
    internal static int[] Of(Adjacency graph)
    {
        var part = new int[graph.NodeCount];
        var index = new int[graph.NodeCount]; // 0: not visited yet
        var low = new int[graph.NodeCount];
        var nextEdge = new int[graph.NodeCount];
        var open = new Stack<int>();
        var calls = new Stack<int>();
        var visited = 0;
        var parts = 0;
        Array.Fill(part, -1);

        for (var root = 0; root < graph.NodeCount; root++)
        {
            if (index[root] != 0) continue;
            Enter(root);
            while (calls.TryPeek(out var node))
            {
                var edges = graph.Outgoing(node);
                if (nextEdge[node] < edges.Length)
                {
                    var other = graph.To(edges[nextEdge[node]++]);
                    if (index[other] == 0) Enter(other);
                    else if (part[other] < 0) low[node] = Math.Min(low[node], index[other]);
                    continue;
                }

                calls.Pop();
                if (calls.TryPeek(out var caller)) low[caller] = Math.Min(low[caller], low[node]);
                if (low[node] == index[node]) Close(node);
            }
        }

        return part;

        void Enter(int node)
        {
            index[node] = low[node] = ++visited;
            open.Push(node);
            calls.Push(node);
        }

        void Close(int first)
        {
            int node;
            do part[node = open.Pop()] = parts;
            while (node != first);
            parts++;
        }
    }
}
