using Sluice.Topologies;

namespace Sluice.Dashboard.Sampling;

/// <summary>Compares the looks at one run. Not thread-safe: calls must not overlap.</summary>
internal sealed class RunSampler(Topology topology, TimeProvider time)
{
    private readonly BottleneckFinder bottlenecks = new(topology);
    private readonly Dictionary<string, NodeRates> nodes = new(StringComparer.Ordinal);
    private readonly Standstill standstill = new(time);

    public RunSample Look(RunSnapshot snapshot)
    {
        Dictionary<string, NodeSample> samples = new(StringComparer.Ordinal);
        foreach (NodeSnapshot node in snapshot.Nodes)
        {
            if (!nodes.TryGetValue(node.Name, out NodeRates? rates)) nodes.Add(node.Name, rates = new(time));
            samples[node.Name] = rates.Look(node);
        }
        string? bottleneck = bottlenecks.Find(snapshot);
        TimeSpan? still = standstill.Look(snapshot.Status == RunStatus.Running && snapshot.Nodes.Any(HasWork),
            snapshot.Nodes.Sum(static node => node.In + node.Out + node.Skipped + node.Failed + node.Retried));
        return new(snapshot, samples, bottleneck is null ? null : samples.GetValueOrDefault(bottleneck))
        {
            StandsFor = standstill.IsLong(still) ? still : null,
            Unmoved = still,
        };
    }

    // A node that rests until an item or a time comes is neither running nor blocked.
    private static bool HasWork(NodeSnapshot node)
        => node.BusyLanes > 0 || node.Activity is NodeActivity.Running or NodeActivity.Blocked;

    private sealed class NodeRates(TimeProvider time)
    {
        private readonly CountRate items = new(time), left = new(time), failed = new(time), blocked = new(time);
        private readonly History history = new(time);

        public NodeSample Look(NodeSnapshot node)
        {
            double? perSecond = items.Add(node.Node.InputType is null ? node.Out : node.In);
            double? failing = failed.Add(node.Failed + node.Retried);
            double share = Math.Clamp(blocked.Add(node.BlockedTime.TotalSeconds) ?? 0, 0, 1);
            if (perSecond is { } known) history.Add(known);
            return new(node, perSecond, failing, share, history) { LeftPerSecond = left.Add(node.Out) };
        }
    }
}
