namespace Sluice.Dashboard.Sampling;

/// <summary>Says what limits a run, or why it has ended, and what to do: the first that applies.</summary>
internal static class RunVerdict
{
    private const double BusyShare = 0.5;

    public static Verdict Of(RunSample run, PipelineRun of) => run.Snapshot.Status switch
    {
        RunStatus.Failed => new(Urgency.Failing, $"Has failed: {Errors.Text(of.Completion.Exception?.InnerException)} Mend the cause, and "
            + "start it again."),
        RunStatus.Cancelled => new(Urgency.Held, $"Was cancelled{(run.Snapshot.CancelReason is { Length: > 0 } why ? $": {why}" : ".")}"),
        RunStatus.Completed => new(Urgency.Fine, "Has completed."),
        RunStatus.Draining or RunStatus.Stopping => new(Urgency.Held, run.Snapshot.StillRunning.Count == 0 ? "Ends."
            : $"Ends, and waits for {string.Join(", ", run.Snapshot.StillRunning)}: does their code heed its CancellationToken?"),
        _ => Slow(run) ?? new(Urgency.Fine, "Runs."),
    };

    /// <summary>The node that others wait for; null if none does for half of the time.</summary>
    public static Verdict? Slow(RunSample run)
    {
        if (run.Bottleneck is not { } slowest) return null;
        NodeSample? before = run.Nodes.Values.Where(static node => node.BlockedShare >= BusyShare)
            .MaxBy(static node => node.BlockedShare);
        if (before is null) return null;
        string name = slowest.Node.Name;
        return new(Urgency.Warning, $"Waits for {name}: {before.Node.Name} is blocked {Shown.Share(before.BlockedShare)} of the time. "
            + Advice(slowest));
    }

    public static string Advice(NodeSample slowest)
    {
        string name = slowest.Node.Name;
        string? lanes = slowest.Node.Node.Details.FirstOrDefault(static one => one.StartsWith("parallel ", StringComparison.Ordinal));
        return $"It limits the rate to {Shown.Rate(slowest.PerSecond)}: make {name} faster, or "
            + (lanes is null ? "give it more lanes with Stage.Parallel." : $"raise its Stage.Parallel; it is {lanes} now.");
    }
}
