namespace Sluice.Topologies;

/// <summary>Finds cycles for error messages: one short cycle for each strongly connected part.</summary>
internal static class Cycles
{
    // Proof of the shortest cycle takes quadratic time in a large part. After this many edges the search stops with the shortest cycle so
    // far: such a
    // graph was generated, and any cycle shows the mistake.
    private const int EdgesToVisit = 4_000_000;

    /// <summary>Returns one cycle per strongly connected part, as node ids without repetition of the first; shortest first.</summary>
    internal static List<int[]> Find(Adjacency graph)
    {
        var cycles = new List<int[]>();
        if (graph.TopologicalOrder().Count == graph.NodeCount) return cycles;

        var budget = EdgesToVisit;
        var part = StrongParts.Of(graph);
        var members = Enumerable.Range(0, graph.NodeCount).ToLookup(node => part[node]);
        var distance = new int[graph.NodeCount];
        var cameFrom = new int[graph.NodeCount];
        foreach (var group in members)
        {
            int[]? shortest = null;
            foreach (var start in group)
            {
                var limit = shortest?.Length ?? int.MaxValue;
                if (limit == 1 || (shortest is not null && budget <= 0)) break;
                if (ShortestThrough(start, limit) is { } cycle) shortest = cycle;
            }

            if (shortest is not null) cycles.Add(shortest);
        }

        cycles.Sort((a, b) => a.Length != b.Length ? a.Length.CompareTo(b.Length) : a[0].CompareTo(b[0]));
        return cycles;

        // Breadth-first search from start until an edge leads back to it; ends where no cycle shorter than the limit is possible.
        int[]? ShortestThrough(int start, int limit)
        {
            var reached = new List<int> { start };
            cameFrom[start] = start;
            distance[start] = 1;
            int[]? found = null;
            for (var next = 0; next < reached.Count && found is null; next++)
            {
                var node = reached[next];
                if (distance[node] >= limit) break;
                foreach (var edge in graph.Outgoing(node))
                {
                    budget--;
                    var other = graph.To(edge);
                    if (part[other] != part[start]) continue;
                    if (other == start)
                    {
                        found = PathBack(node, start);
                        break;
                    }

                    if (distance[other] != 0) continue;
                    distance[other] = distance[node] + 1;
                    cameFrom[other] = node;
                    reached.Add(other);
                }
            }

            foreach (var node in reached) distance[node] = 0;
            return found;
        }

        int[] PathBack(int node, int start)
        {
            var path = new List<int> { node };
            while (node != start) path.Add(node = cameFrom[node]);
            path.Reverse();
            return [.. path];
        }
    }

    /// <summary>Formats a cycle as <c>a -> b -> a</c>, without the middle of a long one.</summary>
    internal static string Describe(int[] cycle, string[] names)
    {
        const int Shown = 12;
        var ring = cycle.Length <= Shown
            ? cycle.Select(id => names[id])
            : [.. cycle[..(Shown - 1)].Select(id => names[id]), $"… ({cycle.Length - Shown} more)", names[cycle[^1]]];
        return string.Join(" -> ", ring.Append(names[cycle[0]]));
    }
}
