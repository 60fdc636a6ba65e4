using Sluice.Flows;

namespace Sluice.Dashboard.Sampling;

/// <summary>Says what is wrong with a run of a flow, and what to do: the first that applies.</summary>
internal static class FlowVerdict
{
    // A service that has just been started finds its processors in less.
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(10);

    /// <param name="run">What the list of runs knows of it.</param>
    /// <param name="detail">The run with its streams; null if it was not asked for.</param>
    /// <param name="now">The time of the store.</param>
    public static Verdict Of(RunLine run, FlowRunInfo? detail, DateTimeOffset now) => run.Status switch
    {
        FlowStatus.Failed => new(Urgency.Warning, $"Has failed: {run.Error} Mend the cause, and start it again."),
        FlowStatus.Cancelled => new(Urgency.Held, "Was cancelled."),
        FlowStatus.Completed => new(Urgency.Fine, "Has completed."),
        _ => OfAttempts(run) ?? OfHosts(detail, now) ?? OfRoom(detail)
            ?? new(Urgency.Fine, run.Status == FlowStatus.Running ? "Runs." : "Waits for its inputs."),
    };

    private static Verdict? OfAttempts(RunLine run) => run.Failing is { } failing
        ? new(Urgency.Warning, $"{failing.Name} has failed {(failing.Attempts == 1 ? "once" : $"{Shown.Count(failing.Attempts)} times")}, "
            + $"and is tried again. The last failure: {failing.Why}") : null;

    private static Verdict? OfHosts(FlowRunInfo? detail, DateTimeOffset now)
    {
        if (detail is null || now - detail.StartedAt < Soon) return null;
        foreach (ProcessorInfo one in detail.Processors)
            if (one is { Status: FlowStatus.Waiting, Starts: 0 } && detail.Streams.Any(stream => stream.Written > 0
                && stream.Readers.Any(reader => reader.Processor == one.Name)))
                return new(Urgency.Warning, $"{one.Name} has values to read, and no service has begun it: start a service that registers "
                    + $"{one.Name}.");
        return null;
    }

    private static Verdict? OfRoom(FlowRunInfo? detail)
        => detail?.Processors.FirstOrDefault(static one
            => one.Periods is [.., { Kind: ProcessorPeriodKind.Blocked, To: null }]) is { } blocked
            ? new(Urgency.Warning, $"{blocked.Name} is blocked: it waits for {blocked.WaitsFor ?? "room in a stream"}. Make the reader "
                + "faster.") : null;
}
