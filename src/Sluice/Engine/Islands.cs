namespace Sluice.Engine;

/// <summary>Maps each node of a run to the pump that drives it: the nearest one upstream.</summary>
/// <remarks>A snapshot for one thread; it reads only state that any thread may read.</remarks>
internal sealed class Islands
{
    private readonly TopologyRecorder recorder;
    private readonly Pump?[] heads;
    private readonly int[] islands, parts;

    public Islands(PipelineRun run, TopologyRecorder recorder)
    {
        this.recorder = recorder;
        heads = new Pump?[recorder.Count];
        (islands, parts) = (new int[recorder.Count], new int[recorder.Count]);
        var begins = new bool[recorder.Count];
        foreach (IBoundary boundary in run.Boundaries)
            if (boundary.Node >= 0) begins[boundary.Node] = true;
        foreach (Pump pump in run.Pumps)
            if (pump.Node >= 0 && heads[pump.Node] is null or { IsEnded: true } or { IsWaiting: true }) heads[pump.Node] = pump;
        // Nodes are numbered after everything downstream of them.
        for (int node = recorder.Count - 1; node >= 0; node--)
        {
            int from = heads[node] is not null ? node : -1, part = from >= 0 || begins[node] ? node : -1;
            foreach (int feeding in recorder.Feeding(node))
            {
                if (from < 0) from = islands[feeding];
                if (part < 0) part = parts[feeding];
                break;
            }
            (islands[node], parts[node]) = (from, part);
        }
    }

    /// <summary>The first node of the island that contains a node; -1 if no pump drives it.</summary>
    public int Of(int node) => islands[node];

    /// <summary>The first node of the part of an island that waits together: lanes have no pump, and do not wait for their own room.
    /// -1 if no pump drives the node.</summary>
    public int PartOf(int node) => parts[node];

    /// <summary>The pump that drives a node; of several lanes, preferably one that works. Null if no pump drives it.</summary>
    public Pump? PumpOf(int node) => islands[node] < 0 ? null : heads[islands[node]];

    /// <summary>The names of the nodes that were busy when the pumps did not end.</summary>
    /// <remarks>
    /// Awaited code is known by its node. Of synchronous code only the whole island is known, unless times are recorded: a mark for
    /// each call would cost as much as the call.
    /// </remarks>
    public IEnumerable<string> NamesOfBusy(PipelineRun run)
    {
        var busy = new HashSet<int>();
        foreach (StageContext context in run.Contexts)
        {
            if (context.IsSuspended || context.Times is { Began: not 0 }) busy.Add(context.Node);
            if (context.Reporter is { Awaiting: >= 0 and var node }) busy.Add(node);
        }
        IEnumerable<string> chains = OpenChains(run).Where(chain => !chain.Any(busy.Contains))
            .Select(chain => string.Join(" | ", Names(chain)));
        return [.. Names(busy.OrderDescending()), .. chains];
    }

    /// <summary>The nodes of each thread of work that has not ended; before the pumps, only nodes have begun, which are known.</summary>
    private IEnumerable<int[]> OpenChains(PipelineRun run)
    {
        if (!run.HasStartedPumps) yield break;
        foreach (IBoundary boundary in run.Boundaries)
            if (boundary.LanesWorkUntil is { } last) yield return [.. Enumerable.Range(last, boundary.Node - last + 1).Reverse()];
        foreach (Pump pump in run.Pumps)
        {
            if (pump is not { IsEnded: false, AwaitsLanes: false, Node: >= 0 }) continue;
            if (pump.IsLeaving || pump.IsWaiting) yield return [pump.Node];
            else
                yield return [.. Enumerable.Range(0, recorder.Count).Reverse()
                    .Where(node => parts[node] == pump.Node || parts[node] == pump.CallsFrom)];
        }
    }

    private IEnumerable<string> Names(IEnumerable<int> nodes) => nodes.SelectMany(recorder.HeadsOf).Distinct().Select(recorder.NameOf);
}
