using Sluice.Topologies;

namespace Sluice.Diagnostics;

/// <summary>Finds the node that limits the rate of a run: full queues lead to it, and it is not blocked itself. For displays and
/// dashboards.</summary>
/// <remarks>One look is chance, so the node of most of the last looks is named: give it a snapshot each second or so. Not
/// thread-safe.</remarks>
/// <param name="topology">The topology of the run.</param>
/// <example><code>
/// var finder = new BottleneckFinder(run.Topology);
/// string? node = finder.Find(run.Snapshot());          // null until two looks agree
/// </code></example>
public sealed class BottleneckFinder(Topology topology)
{
    private const double Fading = 0.8, Enough = 1.5;     // two looks of the last few

    private readonly Dictionary<string, TopologyEdge> edges = topology.Edges.DistinctBy(static edge => edge.ToString())
        .ToDictionary(static edge => edge.ToString(), StringComparer.Ordinal);
    private readonly Dictionary<string, double> scores = new(StringComparer.Ordinal);
    private readonly Dictionary<string, int> hits = new(StringComparer.Ordinal);
    private Dictionary<string, TimeSpan> times = new(StringComparer.Ordinal);
    private int looks;

    /// <summary>Returns the bottleneck after one more look; after the end, the one of most looks.</summary>
    /// <param name="snapshot">A snapshot of the run, later than the one before.</param>
    /// <returns>The name of the node; null if none is known.</returns>
    public string? Find(RunSnapshot snapshot)
    {
        ArgumentNullException.ThrowIfNull(snapshot);
        if (snapshot.Status >= RunStatus.Completed)
            return hits.Count > 0 && hits.MaxBy(static one => one.Value) is var most && most.Value * 2 > looks ? most.Key : null;
        looks++;
        foreach (string name in scores.Keys.ToArray()) scores[name] *= Fading;
        if (Candidate(snapshot) is { } found)
        {
            scores[found] = scores.GetValueOrDefault(found) + 1;
            hits[found] = hits.GetValueOrDefault(found) + 1;
        }
        times = snapshot.Nodes.Where(static node => node.Time is not null)
            .ToDictionary(static node => node.Name, static node => node.Time!.Value, StringComparer.Ordinal);
        return scores.Count > 0 && scores.MaxBy(static one => one.Value) is { Value: >= Enough } highest ? highest.Key : null;
    }

    private string? Candidate(RunSnapshot snapshot)
    {
        Dictionary<string, NodeSnapshot> nodes = snapshot.Nodes.ToDictionary(static node => node.Name, StringComparer.Ordinal);
        Dictionary<string, int> ends = new(StringComparer.Ordinal);
        foreach (NodeSnapshot node in snapshot.Nodes)
        {
            if (node.BlockedOn is not { } blocked) continue;
            string end = edges.TryGetValue(blocked, out TopologyEdge? edge) ? edge.To.Name : blocked;
            if (!nodes.TryGetValue(end, out NodeSnapshot? at) || at.Activity != NodeActivity.Blocked)
                ends[end] = ends.GetValueOrDefault(end) + 1;
        }
        if (ends.Count > 0) return Slowest(ends.MaxBy(static end => end.Value).Key, nodes);
        // Nothing is blocked: either one chain does everything, or the others wait for the source.
        NodeSnapshot[] running = [.. snapshot.Nodes.Where(static node => node.Activity == NodeActivity.Running)];
        if (running.Length == 0) return null;
        if (running.Any(static node => node.Time is not null)) return running.MaxBy(Increase)!.Name;
        return running.Length < snapshot.Nodes.Count ? running.FirstOrDefault(static node => node.Node.InputType is null)?.Name : null;
    }

    // The full queue leads to a chain of nodes. With timings it is known which of them takes the time.
    private string Slowest(string head, Dictionary<string, NodeSnapshot> nodes)
    {
        if (!nodes.TryGetValue(head, out NodeSnapshot? first) || first.Time is null) return head;
        return topology.AllDownstream(first.Node).Select(node => nodes[node.Name])
            .Where(static node => node is { Queued: 0, Activity: not (NodeActivity.Blocked or NodeActivity.Waiting), Time: not null })
            .Append(first).MaxBy(Increase)!.Name;
    }

    private TimeSpan Increase(NodeSnapshot node) => (node.Time ?? default) - times.GetValueOrDefault(node.Name);
}
