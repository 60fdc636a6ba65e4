using Sluice.Policies;
using Sluice.Topologies;

namespace Sluice.Delivery;

/// <summary>
/// Checks that a resumable producer reaches its consecutor through nodes that keep the order. A position says that all earlier items were
/// accepted. That holds only if the items arrive in the same order every time. A stage that remembers items would begin anew at the
/// position, so it is refused too.
/// </summary>
internal static class ResumedOrder
{
    /// <exception cref="InvalidTopologyException">A node upstream does not keep the order, or remembers items.</exception>
    public static void Check(TopologyRecorder graph, int node, string producer)
    {
        foreach (int stage in Upstream(graph, node))
        {
            StageOptions options = graph.OptionsOf(stage);
            string? why = options switch
            {
                { Parallel: > 1, Ordered: false } => "works unordered",
                { KeyedLanes: > 0 } => "works by key",
                _ => null,
            };
            if (why is not null) throw Refused(producer, $"{graph.NameOf(stage)} {why}");
            if (stage != node && graph[stage].StartsAnew is { } memory)
                throw StartsAnew(producer, graph.NameOf(stage), graph[stage].Kind, memory, graph[stage].KeepsState);

            // Branches that meet again stay in step if one thread takes an item through all of them before the next item.
            HashSet<int>[] ways = [.. graph.Feeding(stage).Select(from => Upstream(graph, from))];
            if (ways.SelectMany(way => way).Any(on => graph.OptionsOf(on).CrossesThreads
                && !Array.TrueForAll(ways, way => way.Contains(on))))
                throw Refused(producer, $"branches come together at {graph.NameOf(stage)}, one of which works apart from the others");
        }
    }

    /// <summary>Returns a node and all nodes upstream of it.</summary>
    private static HashSet<int> Upstream(TopologyRecorder graph, int node)
    {
        HashSet<int> seen = [node];
        var next = new Stack<int>(seen);
        while (next.TryPop(out int at))
        {
            foreach (int from in graph.Feeding(at))
                if (seen.Add(from)) next.Push(from);
        }
        return seen;
    }

    private static InvalidTopologyException StartsAnew(string producer, string name, string kind, string memory, bool isKept) => new(
        $"The producer '{producer}' cannot be resumed through this "
            + $"pipeline: {(name.StartsWith(kind, StringComparison.Ordinal) ? name : $"{name} ({kind})")} {memory}. After a restart the "
            + $"producer goes on in the middle, and the stage would begin with nothing. "
        + (isKept ? "Put it behind the consecutor, into its pipeline: there its state is stored, and goes on."
            : "Leave it out here: do the same in the function that makes the producer's items, or by what is in each item (Where)."));

    private static InvalidTopologyException Refused(string producer, string why) => new(
        $"The producer '{producer}' cannot be resumed through this pipeline: {why}, and the order of the items is another one each time. "
            + $"What its position says was accepted might not have been. "
        + "Keep the order up to the consecutor (Stage.Parallel without Unordered does), and do the rest inside the consecutor.");
}
