namespace Sluice.Dashboard.Sampling;

/// <summary>Says what limits a run, or why it has ended, and what to do: the first that applies.</summary>
internal static class RunVerdict
{
    private const double BusyShare = 0.5;

    private const string Unread = ", unread";        // the end of NodeSnapshot.BlockedOn

    public static Verdict Of(string name, RunSample run, PipelineRun of) => run.Snapshot.Status switch
    {
        RunStatus.Failed => new(Urgency.Failing, $"Has failed: {Errors.Text(of.Completion.Exception?.InnerException)} Mend the cause, and "
            + "start it again."),
        RunStatus.Cancelled => new(Urgency.Held, $"Was cancelled{(run.Snapshot.CancelReason is { Length: > 0 } why ? $": {why}" : ".")}"),
        RunStatus.Completed => new(Urgency.Fine, "Has completed."),
        RunStatus.Draining or RunStatus.Stopping => new(Urgency.Held, run.Snapshot.StillRunning.Count == 0 ? "Ends."
            : $"Ends, and waits for {string.Join(", ", run.Snapshot.StillRunning)}: does their code heed its CancellationToken?"),
        _ => Still(name, run) ?? Slow(name, run) ?? new(Urgency.Fine, "Runs."),
    };

    /// <summary>No item has moved for long although nodes work; null if that is not so.</summary>
    private static Verdict? Still(string name, RunSample run)
    {
        if (run.StandsFor is not { } still) return null;
        string what = $"`{VisibleText.Shorten(name, 60)}` stands still: no item has moved for {Shown.Span(still)}. ";
        return new(Urgency.Warning, what + (run.Nodes.Values.FirstOrDefault(static one => one.Node.BlockedOn is { } on
            && on.EndsWith(Unread, StringComparison.Ordinal)) is { } unread
            ? $"`{Name(unread)}` waits until the program reads its output ({unread.Node.BlockedOn})." : Where(run)));
    }

    /// <summary>The node that others wait for; null if none does for half of the time.</summary>
    /// <param name="name">The name of the pipeline or consecutor.</param>
    /// <param name="run">Its run.</param>
    /// <param name="owner">The consecutor; null for a pipeline.</param>
    public static Verdict? Slow(string name, RunSample run, ConsecutorSample? owner = null)
    {
        if (run.Bottleneck is not { } slowest) return null;
        NodeSample? before = run.Nodes.Values.Where(static node => node.BlockedShare >= BusyShare)
            .MaxBy(static node => node.BlockedShare);
        return before is null ? null : new(Urgency.Warning, $"`{VisibleText.Shorten(name, 60)}` is blocked: `{Name(before)}` waits "
            + $"{Shown.Share(before.BlockedShare)} of the time, and {LaneAdvice.Of(slowest, owner)}");
    }

    /// <summary>Says in which code the items are that do not end.</summary>
    public static string Where(RunSample? run)
    {
        if (run?.Nodes.Values.Where(static one => one.Node.BusyLanes > 0).OrderByDescending(static one
            => one.Node.BusyLanes == one.Node.Lanes).ThenByDescending(static one => one.Node.Queued).FirstOrDefault() is not { } busiest)
            return "Which code they are in is known with RunOptions.RecordTimings only.";
        NodeSnapshot node = busiest.Node;
        string code = LaneAdvice.Code(node);
        string lanes = (node.Lanes, node.BusyLanes) switch
        {
            (1, _) => $"`{Name(busiest)}` has one in {code}.",
            (var all, var busy) when busy == all => $"The {all} lanes of `{Name(busiest)}` are all in {code}.",
            (var all, var busy) => $"{busy} of the {all} lanes of `{Name(busiest)}` {(busy == 1 ? "is" : "are")} in {code}.",
        };
        return $"{lanes} If it waits for something that does not come, give it a time limit with Stage.Timeout.";
    }

    private static string Name(NodeSample node) => VisibleText.Shorten(node.Node.Name, 60);
}
