using Sluice.Graphs;
using Sluice.Topologies;

namespace Sluice.Dashboard.Pages;

/// <summary>
/// The critical path of a resolve, as <see cref="Topology.CriticalPath"/>: the node that ended last, before it the parent that ended last,
/// and so on.
/// </summary>
internal static class ResolvePath
{
    /// <summary>Returns the nodes of the path, by their numbers in the record.</summary>
    public static HashSet<int> Of(GraphSample graph, ResolveRecord resolve)
    {
        Topology topology = graph.Graph.Topology;
        IReadOnlyList<string> names = graph.Recorder.Names;
        Dictionary<string, int> numbers = new(StringComparer.Ordinal);
        for (int node = 0; node < resolve.Nodes.Length; node++) numbers[names[node]] = node;
        HashSet<int> path = [];
        int? at = Latest(Enumerable.Range(0, resolve.Nodes.Length));
        // Parents are before their children, so this ends.
        while (at is { } node && path.Add(node))
            at = Latest(topology.Incoming(topology.Find(names[node])).Where(edge => numbers.ContainsKey(edge.From.Name))
                .Select(edge => numbers[edge.From.Name]));
        return path;

        int? Latest(IEnumerable<int> some)
        {
            int? latest = null;
            foreach (int node in some)
            {
                if (resolve.Nodes[node].Status == NodeStatus.NotStarted) continue;
                if (latest is not { } best || EndOf(node) > EndOf(best)) latest = node;
            }
            return latest;
        }

        TimeSpan EndOf(int node) => resolve.Nodes[node].Status == NodeStatus.Running ? resolve.Elapsed
            : resolve.Nodes[node].Started + resolve.Nodes[node].Elapsed;
    }
}
