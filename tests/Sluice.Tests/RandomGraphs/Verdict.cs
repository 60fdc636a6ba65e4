using Sluice.Diagnostics;

namespace Sluice.Tests.RandomGraphs;

/// <summary>Compares a run with the expectations of the oracle.</summary>
internal sealed class Verdict(GraphCase graph, Rig rig, PipelineRun run, RunSnapshot snapshot, Oracle full)
{
    private Oracle? after;

    /// <summary>The first error, or null.</summary>
    public string? Find() => Everything().FirstOrDefault();

    private IEnumerable<string> Everything()
    {
        foreach (string violation in rig.Violations) yield return violation;
        if (snapshot.StillRunning.Count > 0) yield return $"still running: {string.Join(", ", snapshot.StillRunning)}";
        foreach (string wrong in OfAccepted().Wrong) yield return wrong;
        if (Roots() is { } roots) yield return roots;
        foreach (string wrong in rig.Probes.Select(Lifetime).OfType<string>()) yield return wrong;
        foreach (string wrong in run.Completion.Status switch
        {
            TaskStatus.RanToCompletion => Completed(),
            TaskStatus.Faulted => Failed(run.Completion.Exception!.InnerException!),
            _ => Cancelled(),
        }) yield return wrong;
    }

    private IEnumerable<string> Completed()
    {
        if (snapshot.Status != RunStatus.Completed) yield return $"the snapshot says {snapshot.Status}";
        Oracle oracle = OfAccepted();
        if (oracle.Fatal.Find(item => item.IsCertain) is { } fatal)
            yield return $"it completed, although {fatal.Value} fails at {fatal.Node}";
        foreach (var (name, expected) in oracle.Sinks)
            if (Order.Violation(expected, rig.Received(name), isWhole: true) is { } wrong) yield return $"{name}: {wrong}";
        foreach (NodeSnapshot node in snapshot.Nodes)
            if (Counters(node, oracle.Nodes[node.Name]) is { } wrong) yield return $"counters of {node.Name}: {wrong}";
        if (!oracle.IsExact) yield break;
        if (!run.DeadLetters.Select(letter => (letter.Node, (long)letter.Item!)).Order().SequenceEqual(oracle.DeadLetters.Order()))
            yield return "the dead letters differ";
        ItemCounts expectedRoots = new(
            oracle.Roots.Count, oracle.Roots.Count(root => root.End == RootEnd.Completed),
            oracle.Roots.Count(root => root.End == RootEnd.Skipped), oracle.Roots.Count(root => root.End == RootEnd.Failed), 0);
        if (snapshot.Roots!.Value != expectedRoots) yield return $"root items: {snapshot.Roots}, expected {expectedRoots}";
    }

    private IEnumerable<string> Failed(Exception failure)
    {
        if (snapshot.Status != RunStatus.Failed) yield return $"the snapshot says {snapshot.Status}";
        if (failure is not PipelineException { InnerException: FaultException or KeyNotFoundException } known)
            yield return $"it failed with {failure}";
        else foreach (string wrong in Failed(known)) yield return wrong;
        foreach (string wrong in Prefixes()) yield return wrong;
    }

    private IEnumerable<string> Failed(PipelineException known)
    {
        Oracle oracle = OfAccepted();
        if (snapshot[known.Node].Failed == 0) yield return $"{known.Node} has failed, and does not count it";
        FatalItem? fatal = oracle.Fatal.Find(item => item.Node == known.Node && item.Value.Equals(known.Item));
        if (fatal is null && oracle.Nodes[known.Node].IsExact) yield return $"nothing should have failed like that: {known.Message}";
        // Other parts of the root item may still be in flight.
        if (fatal is { HasRoot: true } && snapshot.Roots is { Failed: 0, Pending: 0 })
            yield return $"no root item is counted as failed: {known.Message}";
    }

    private IEnumerable<string> Cancelled()
    {
        if (snapshot.Status != RunStatus.Cancelled) yield return $"the snapshot says {snapshot.Status}";
        if (!rig.WasInterfered || graph.Interference.Kind != InterferenceKind.Cancel)
            yield return "it was cancelled, and nobody asked for it";
        foreach (string wrong in Prefixes()) yield return wrong;
    }

    /// <summary>The expectations for the items that the sources emitted before a drain, and for the times at which they
    /// came.</summary>
    private Oracle OfAccepted() => after ??= graph.Graph.Expect(graph.Capacity, new RunRecord(
        rig, run.Completion.IsCompletedSuccessfully, rig.Drained is null ? null : name => (int)snapshot[name].Out));

    /// <summary>Checks that the output of a run that was stopped is a correct prefix.</summary>
    private IEnumerable<string> Prefixes()
    {
        foreach (NodeSnapshot node in snapshot.Nodes)
            if (TooMuch(node, full.Nodes[node.Name]) is { } wrong) yield return $"counters of {node.Name}: {wrong}";
        foreach (var (name, expected) in OfAccepted().Sinks)
            if (Order.Violation(expected, rig.Received(name), isWhole: false) is { } wrong) yield return $"{name}: {wrong}";
    }

    private static string? Counters(NodeSnapshot actual, NodeExpectation expected)
    {
        (string, long Actual, long Expected, long Most)[] all =
        [
            ("in", actual.In, expected.In, expected.MostIn),
                ("out", actual.Out, expected.Out, expected.IsOutExact ? expected.Out : expected.MostOut),
            ("skipped", actual.Skipped, expected.Skipped, expected.MostIn), ("failed", actual.Failed, expected.Failed, expected.MostIn),
            ("retried", actual.Retried, expected.Retried, expected.MostRetried), ("queued", actual.Queued, 0, 0),
        ];
        var wrong = all.Where(one => expected.IsExact ? one.Actual != one.Expected : one.Actual > one.Most).ToList();
        if (expected.InPerOut > 0 && actual.In - actual.Skipped != actual.Out * expected.InPerOut)
            return $"in {actual.In}, of which {actual.Skipped} were skipped, and out {actual.Out}";
        if (!expected.IsExact && expected.IsOutExact && actual.Out < expected.Out) return $"out {actual.Out}, expected {expected.Out}";
        return wrong.Count == 0 ? null
            : string.Join(", ",
            wrong.Select(one => $"{one.Item1} {one.Actual}, expected {(expected.IsExact ? one.Expected : $"at most {one.Most}")}"));
    }

    private static string? TooMuch(NodeSnapshot actual, NodeExpectation expected)
        => actual.In > expected.MostIn || actual.Out > expected.MostOut || actual.Skipped + actual.Failed > expected.MostIn
        || actual.Retried > expected.MostRetried
            ? $"in {actual.In}, out {actual.Out}, skipped {actual.Skipped}, failed {actual.Failed}, retried {actual.Retried}; at "
            + $"most {expected.MostIn} in, {expected.MostOut} out, {expected.MostRetried} retried"
            : null;

    private string? Roots()
    {
        if (snapshot.Roots is not { } roots) return full.Sources.Count > 0 ? "the root items were not followed" : null;
        if (roots.Accepted != full.Sources.Sum(name => snapshot[name].Out))
            return $"sources put out another number of items than were accepted: {roots}";
        if (roots.Accepted != roots.Completed + roots.Skipped + roots.Failed + roots.Pending)
            return $"the root items do not add up: {roots}";
        if (roots.Pending < 0 || (run.Completion.IsCompletedSuccessfully && roots.Pending != 0)) return $"root items are pending: {roots}";
        return null;
    }

    private string? Lifetime(Probe probe)
    {
        if (probe.Disposed < probe.Begun) return $"{probe.Disposed} of {probe.Begun} instances of {probe.Name} were disposed";
        if (run.Completion.IsCompletedSuccessfully && (probe.Ended != probe.Begun || probe.Disposed != probe.Begun))
            return $"instances of {probe.Name}: {probe.Begun} have begun, {probe.Ended} ended, {probe.Disposed} disposed";
        return null;
    }
}
