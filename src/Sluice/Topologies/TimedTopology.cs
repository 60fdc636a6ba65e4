namespace Sluice.Topologies;

/// <summary>Adds the times of a run to a topology: times of nodes, and the critical path.</summary>
internal static class TimedTopology
{
    /// <param name="topology">The topology before the run.</param>
    /// <param name="timeOf">Returns the time of a node by its id; null if it did not run.</param>
    public static Topology Of(Topology topology, Func<int, NodeTime?> timeOf)
    {
        var times = new NodeTime?[topology.Nodes.Count];
        for (int node = 0; node < times.Length; node++) times[node] = timeOf(node);
        int[] path = FindPath(topology, times);
        HashSet<int> isCritical = [.. path];
        HashSet<(int, int)> steps = [.. path.Zip(path.Skip(1))];
        TopologyNode[] nodes = [.. topology.Nodes.Select(node => node.With(times[node.Id], isCritical.Contains(node.Id)))];
        TopologyEdge[] edges = [.. topology.Edges.Select(edge => new TopologyEdge(nodes[edge.From.Id], nodes[edge.To.Id], edge.Port,
            steps.Contains((edge.From.Id, edge.To.Id))))];
        return topology.With(nodes, edges, Array.ConvertAll(path, node => nodes[node]));
    }

    // From the node that ended last, back to the upstream node that ended last, and so on.
    private static int[] FindPath(Topology topology, NodeTime?[] times)
    {
        List<int> path = [];
        int? at = Latest(topology.Nodes, times);
        while (at is { } node)
        {
            path.Add(node);
            at = Latest(topology.Incoming(topology.Nodes[node]).Select(edge => edge.From), times);
        }
        path.Reverse();
        return [.. path];
    }

    private static int? Latest(IEnumerable<TopologyNode> nodes, NodeTime?[] times)
    {
        int? latest = null;
        foreach (TopologyNode node in nodes)
            if (times[node.Id] is { } time && (latest is null || time.Ended > times[latest.Value]!.Value.Ended)) latest = node.Id;
        return latest;
    }
}
