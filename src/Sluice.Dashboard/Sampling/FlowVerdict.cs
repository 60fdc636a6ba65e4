using Sluice.Diagnostics;
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
    /// <param name="hosts">The hosts of the processors; null if they are not known.</param>
    public static Verdict Of(RunLine run, FlowRunInfo? detail, DateTimeOffset now, HostLook? hosts) => run.Status switch
    {
        FlowStatus.Failed => new(Urgency.Warning, $"Has failed: {run.Error} Mend the cause{run.HasInputs switch
        {
            true => ", and start it again.",
            false => ", and start another run: the store has not kept all inputs of this one.",
            null => ". Its page says whether it can be started again.",
        }}"),
        FlowStatus.Cancelled => new(Urgency.Held, "Was cancelled."),
        FlowStatus.Completed => new(Urgency.Fine, "Has completed."),
        _ => OfAttempts(run) ?? OfPause(detail, hosts) ?? OfHosts(detail, now, hosts?.Missing) ?? OfRoom(detail)
            ?? new(Urgency.Fine, run.Status == FlowStatus.Running ? "Runs." : "Waits for its inputs."),
    };

    private static Verdict? OfAttempts(RunLine run) => run.Failing is { } failing
        ? new(Urgency.Warning, $"`{failing.Name}` has failed {(failing.Attempts == 1 ? "once" : $"{Shown.Count(failing.Attempts)} times")}"
            + $", and is tried again. The last failure: {failing.Why}") : null;

    private static Verdict? OfPause(FlowRunInfo? detail, HostLook? hosts)
    {
        if (detail?.Processors.FirstOrDefault(one => one is { Status: FlowStatus.Waiting, Starts: 0 }
            && hosts?.Paused.ContainsKey(one.Name) == true) is not { } held) return null;
        string name = VisibleText.Shorten(held.Name, 60);
        return new(Urgency.Held, $"The starts of `{name}` are paused since {Shown.Utc(hosts!.Paused[held.Name])}. Resume them: "
            + $"`sluice resume STORE {Quoted($"work/{held.Name}:hosts")}`.");            // whole, so that it can be pasted
    }

    // For a shell, and only if it is needed.
    private static string Quoted(string name) => name.All(static letter => char.IsAsciiLetterOrDigit(letter) || "-._:/".Contains(letter))
        ? name : $"'{name.Replace("'", "'\\''", StringComparison.Ordinal)}'";

    private static Verdict? OfHosts(FlowRunInfo? detail, DateTimeOffset now, IReadOnlySet<string>? missing)
    {
        if (detail is null || now - detail.StartedAt < Soon) return null;
        if (detail.Processors.FirstOrDefault(one => one is { Status: <= FlowStatus.Running, Starts: > 0 }
            && missing?.Contains(one.Name) == true) is { } left)
            return new(Urgency.Warning, $"`{VisibleText.Shorten(left.Name, 60)}` has no living service: "
                + $"`{VisibleText.Shorten(left.Host ?? "its host", 60)}` has ended or died. Start a service that registers it: it goes on "
                + "there.");
        // One that has a living service begins within a second, unless it waits for the end of its inputs (Processor.Wait).
        foreach (ProcessorInfo one in detail.Processors)
            if (one is { Status: FlowStatus.Waiting, Starts: 0 } && missing?.Contains(one.Name) != false
                && detail.Streams.Any(stream => stream.Written > 0 && stream.Readers.Any(reader => reader.Processor == one.Name)))
                return new(Urgency.Warning, $"`{VisibleText.Shorten(one.Name, 60)}` has values to read, and no service has begun it: start "
                    + "a service that registers it.");
        return null;
    }

    private static Verdict? OfRoom(FlowRunInfo? detail)
        => detail?.Processors.FirstOrDefault(static one
            => one.Periods is [.., { Kind: ProcessorPeriodKind.Blocked, To: null }]) is { } blocked
            ? new(Urgency.Warning, $"`{VisibleText.Shorten(blocked.Name, 60)}` is blocked: it waits for "
                + $"{blocked.WaitsFor ?? "room in a stream"}. Make the reader faster.") : null;
}
