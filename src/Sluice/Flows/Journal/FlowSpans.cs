using System.Diagnostics;
using Sluice.Diagnostics;

namespace Sluice.Flows;

/// <summary>
/// The spans of runs of flows: the start of a run, and in its trace each start of a processor, in whichever service. The plan of the run
/// has the trace.
/// </summary>
/// <remarks>
/// Thread-safe. <see cref="StartTelemetry"/> has the traces of single values.
/// </remarks>
internal static class FlowSpans
{
    /// <summary>Begins to start a run, in the trace of the caller.</summary>
    /// <returns>The span to end when it was started; null if no listener records it.</returns>
    public static Activity? BeginStart(string run)
        => Telemetry.IsTraced ? Telemetry.Start("sluice.flow.start", "start flow", ActivityKind.Producer, tags: Tags(run)) : null;

    /// <summary>Returns the plan with the trace of its start.</summary>
    public static RunPlan With(RunPlan plan, Activity? start)
    {
        Activity? sender = start ?? Activity.Current;
        if (sender is not { IdFormat: ActivityIdFormat.W3C } || (start is null && !sender.Recorded)) return plan;
        string? state = sender.TraceStateString is { Length: > 0 and <= EntryTrace.MaxState } known ? known : null;
        return plan with { Trace = sender.Id, TraceState = state };
    }

    /// <summary>The trace of the values that a run is started with; null if the run has none.</summary>
    public static EntryTrace? OfInput(RunPlan plan)
        => EntryTrace.Parse(plan.Trace, plan.TraceState);

    /// <summary>Begins a start of a processor. A trace that cannot be read is left out.</summary>
    public static ContinuedSpan? BeginProcessor(RunPlan plan, string processor, int attempt)
        => ContinuedSpan.Begin("sluice.processor", $"processor {processor}", ActivityKind.Consumer, plan.Trace, plan.TraceState,
            () => [.. Tags(plan.Run), new(TelemetryNames.Processor, processor), new(TelemetryNames.Attempt, attempt)]);

    /// <summary>Begins a function of a processor in another process than the streams.</summary>
    /// <param name="run">The id of the run.</param>
    /// <param name="processor">The name of the processor.</param>
    /// <param name="trace">The trace, as a W3C <c>traceparent</c>; null if there is none.</param>
    /// <param name="state">Its <c>tracestate</c>; null if there is none.</param>
    public static ContinuedSpan? BeginFunction(string run, string processor, string? trace, string? state)
        => ContinuedSpan.Begin("sluice.function", $"function {processor}", ActivityKind.Internal, trace, state,
            () => [.. Tags(run), new(TelemetryNames.Processor, processor)]);

    private static KeyValuePair<string, object?>[] Tags(string run)
        => [new(TelemetryNames.System, TelemetryNames.Sluice), new(TelemetryNames.FlowRun, run)];
}
