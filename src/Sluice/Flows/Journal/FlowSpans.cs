using System.Diagnostics;
using Sluice.Diagnostics;

namespace Sluice.Flows;

/// <summary>
/// The spans of runs of flows: the start of a run, and in its trace each start of a processor, in whichever service. The plan of the run
/// has the trace.
/// </summary>
/// <remarks>
/// Thread-safe. Single values have no trace: what a repeated processor writes is compared byte by byte with what it has written before.
/// </remarks>
internal static class FlowSpans
{
    private const int MaxParent = 256, MaxState = 512;

    /// <summary>Begins to start a run, in the trace of the caller.</summary>
    /// <returns>The span to end when it was started; null if no listener records it.</returns>
    public static Activity? BeginStart(string run)
        => Telemetry.IsTraced ? Telemetry.Start("sluice.flow.start", "start flow", ActivityKind.Producer, tags: Tags(run)) : null;

    /// <summary>Returns the plan with the trace of its start.</summary>
    public static RunPlan With(RunPlan plan, Activity? start)
    {
        Activity? sender = start ?? Activity.Current;
        if (sender is not { IdFormat: ActivityIdFormat.W3C } || (start is null && !sender.Recorded)) return plan;
        string? state = sender.TraceStateString is { Length: > 0 and <= MaxState } known ? known : null;
        return plan with { Trace = sender.Id, TraceState = state };
    }

    /// <summary>Begins a start of a processor. A trace that cannot be read is left out.</summary>
    public static Activity? BeginProcessor(RunPlan plan, string processor, int attempt)
    {
        if (!Telemetry.IsTraced || plan.Trace is not { Length: <= MaxParent } trace) return null;
        string? state = plan.TraceState is { Length: <= MaxState } known ? known : null;
        if (!ActivityContext.TryParse(trace, state, isRemote: true, out ActivityContext parent)) return null;
        return Telemetry.Start("sluice.processor", $"processor {processor}", ActivityKind.Consumer, parent,
            [.. Tags(plan.Run), new(TelemetryNames.Processor, processor)])?.SetTag(TelemetryNames.Attempt, attempt);
    }

    private static KeyValuePair<string, object?>[] Tags(string run)
        => [new(TelemetryNames.System, TelemetryNames.Sluice), new(TelemetryNames.FlowRun, run)];
}
