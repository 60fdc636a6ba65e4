using Sluice.Diagnostics;

namespace Sluice.Engine;

/// <summary>Takes the snapshot of a run while it continues; figures may be a moment apart.</summary>
internal static class SnapshotTaker
{
    public static RunSnapshot Take(PipelineRun run)
        => new(StateOf(run), run.Elapsed, RootsOf(run), run.IsFinal ? new FinalNodes(run) : NodesOf(run, Now(run)), run.OutputCounts,
            run.DeadLetters, run.StillRunning)
        { CancelReason = run.CancelReason, SentBefore = SentBefore(run) };

    /// <summary>The moment of a snapshot. Only <see cref="NodeSnapshot.Slowest"/> needs it, so a run without timings does not ask its
    /// clock.</summary>
    public static long Now(PipelineRun run) => run.Options.RecordTimings ? run.Time.GetTimestamp() : 0;

    /// <summary>Takes the snapshots of the nodes, in the order of the topology.</summary>
    /// <param name="run">The run.</param>
    /// <param name="now">The moment of the snapshot: the nodes of a run that has completed are made later, and show the same.</param>
    public static NodeSnapshot[] NodesOf(PipelineRun run, long now)
    {
        TopologyRecorder recorder = run.Recorder;
        var counts = new NodeCounts[recorder.Count];
        var isTimed = new bool[recorder.Count];
        var measured = new Dictionary<string, long>?[recorder.Count];
        var slowest = new List<SlowItem>?[recorder.Count];
        int[] busy = new int[recorder.Count];
        long[] since = new long[recorder.Count];
        foreach (StageContext context in run.Contexts)
        {
            context.AddBusyTo(ref busy[context.Node], ref since[context.Node]);
            if (context.Reporter is { Awaiting: >= 0 and var awaiting }) busy[awaiting]++;
            context.AddTo(ref counts[context.Node]);
            isTimed[context.Node] |= context.Times is not null;
            context.AddMeasuredTo(ref measured[context.Node]);
            context.Times?.AddSlowestTo(ref slowest[context.Node], now);
        }
        foreach (StageContext context in run.Contexts) context.Reporter?.Report(counts);

        var queued = new long[recorder.Count];
        var blockedOn = new string?[recorder.Count];
        var blocked = new TimeSpan[recorder.Count];
        var inLanes = new bool[recorder.Count];      // works there now, whatever the pump before it does
        foreach (IBoundary boundary in run.Boundaries)
        {
            foreach (int node in recorder.HeadsOf(boundary.Node)) queued[node] += boundary.Count;      // for each node it waits for
            if (boundary.LanesWorkUntil is { } last) Array.Fill(inLanes, true, last, boundary.Node - last + 1);
            if (boundary.From >= 0) blocked[boundary.From] += boundary.BlockedTime;
            if (boundary is { IsBlocked: true, From: >= 0 })
                blockedOn[boundary.From] = $"{recorder.NameOfStart(boundary.From)} -> {recorder.NameOf(boundary.Node)}";
        }
        foreach (var (node, output) in run.Outputs.Waiting) blockedOn[node] =
            $"{recorder.NameOf(node)}.{output} -> PipelineRun.Output, unread";

        bool over = run.IsOver;
        var islands = new Islands(run, recorder);
        var blockedParts = new Dictionary<int, string>();
        for (int node = 0; node < blockedOn.Length; node++)
            if (blockedOn[node] is { } edge) blockedParts[islands.PartOf(node)] = edge;

        var nodes = new NodeSnapshot[recorder.Topology.Nodes.Count];
        for (int node = recorder.Count - 1; node >= 0; node--)
        {
            if (recorder.NodeOf(node) is not { } known) continue;
            NodeCounts count = counts[node];
            blockedParts.TryGetValue(islands.PartOf(node), out string? edge);
            Pump? pump = islands.PumpOf(node);
            NodeActivity activity = over || (!inLanes[node] && pump is null or { IsEnded: true }) ? NodeActivity.Ended
                : edge is not null ? NodeActivity.Blocked
                : !inLanes[node] && pump!.IsWaiting && busy[node] == 0 ? NodeActivity.Waiting
                : NodeActivity.Running;
            nodes[known.Id] = new NodeSnapshot(
                known, count.In, count.Out, count.Skipped, count.Failed,
                count.Retried + (run.Options.Following?.RetriesOf(node) ?? 0), queued[node],
                activity, activity == NodeActivity.Blocked ? edge : null)
            {
                BlockedTime = blocked[node],
                Lanes = recorder.OptionsOf(node).Lanes,
                BusyLanes = over ? 0 : Math.Min(busy[node], recorder.OptionsOf(node).Lanes),
                LongestInside = over || since[node] == 0 ? null : run.Time.GetElapsedTime(since[node] - 1),
                Time = isTimed[node] ? run.Time.GetElapsedTime(0, count.Ticks) : null,
            };
            if (slowest[node] is { } slow) nodes[known.Id] = nodes[known.Id] with
            {
                Slowest = [.. slow.OrderByDescending(static one => one.Time).ThenByDescending(static one => one.At).Take(SlowestItems.Max)]
            };
            if (measured[node] is { } parts) nodes[known.Id] =
                nodes[known.Id] with
                {
                    Measured = parts.ToDictionary(static part => part.Key,
                part => run.Time.GetElapsedTime(0, part.Value))
                };
        }
        return nodes;
    }

    private static RunStatus StateOf(PipelineRun run)
        => run.IsOver ? run.HowItEnded : run.IsStopping ? RunStatus.Stopping : run.IsDraining ? RunStatus.Draining : RunStatus.Running;

    private static long? SentBefore(PipelineRun run)
    {
        foreach (Pump pump in run.Pumps)
            if (pump.SentBefore is { } sent) return sent;
        return null;
    }

    private static ItemCounts? RootsOf(PipelineRun run)
    {
        if (run.Tickets.Count == 0) return null;
        ItemCounts sum = default;
        foreach (TicketRing ring in run.Tickets)
        {
            ItemCounts one = ring.Count();
            sum = new(sum.Accepted + one.Accepted, sum.Completed + one.Completed, sum.Skipped + one.Skipped, sum.Failed + one.Failed,
                sum.Pending + one.Pending);
        }
        return sum;
    }
}
