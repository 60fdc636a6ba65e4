namespace Sluice;

// The execution context of a run: its caller's, marked with the run. A wait for the run inside this context would wait for itself.
// Each pump, lane and tick enters it, and so does code that continues after an await without context; single items do not.
public sealed partial class PipelineRun
{
    private static readonly AsyncLocal<PipelineRun?> OfFlow = new();

    private ExecutionContext? flow;                  // null if the run outlives its caller (in a consecutor), or the flow is suppressed

    /// <summary>Whether the current execution context belongs to the run.</summary>
    internal static bool IsInside(PipelineRun? run) => run is not null && OfFlow.Value == run;

    /// <summary>Makes the run's execution context the current one.</summary>
    /// <returns>The outer context; pass it to <see cref="Leave"/>, unless an asynchronous method ends here.</returns>
    internal ExecutionContext? Enter()
    {
        ExecutionContext? outer = ExecutionContext.Capture();
        if (flow is null) OfFlow.Value = this;
        else if (!ReferenceEquals(flow, outer)) ExecutionContext.Restore(flow);
        return outer;
    }

    /// <summary>Restores the outer execution context.</summary>
    internal static void Leave(ExecutionContext? outer)
    {
        if (outer is null) OfFlow.Value = null;
        else ExecutionContext.Restore(outer);
    }

    /// <summary>
    /// Captures the caller's context, with its <see cref="AsyncLocal{T}"/> values and current activity, on the thread that starts the run.
    /// </summary>
    private void CaptureFlow()
    {
        if (options.Following is not null || ExecutionContext.Capture() is not { } outer) return;
        OfFlow.Value = this;
        flow = ExecutionContext.Capture();
        ExecutionContext.Restore(outer);
    }
}
