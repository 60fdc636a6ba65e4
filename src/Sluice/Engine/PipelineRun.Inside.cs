namespace Sluice;

// The flow of execution of a run: that of the caller who started it, with the run in it. What waits for a run inside of that flow waits for itself.
// Entered by each pump, lane and tick, and where code goes on that was awaited without a flow; not for items.
public sealed partial class PipelineRun
{
    private static readonly AsyncLocal<PipelineRun?> OfFlow = new();

    private ExecutionContext? flow;                  // null in a run of a consecutor, which outlives its caller, and where the caller has suppressed the flow

    /// <summary>Whether the present flow of execution is a part of a run.</summary>
    internal static bool IsInside(PipelineRun? run) => run is not null && OfFlow.Value == run;

    /// <summary>The present flow of execution becomes the run's.</summary>
    /// <returns>The one before; to be given back, unless an asynchronous method ends here.</returns>
    internal ExecutionContext? Enter()
    {
        ExecutionContext? outer = ExecutionContext.Capture();
        if (flow is null) OfFlow.Value = this;
        else if (!ReferenceEquals(flow, outer)) ExecutionContext.Restore(flow);
        return outer;
    }

    /// <summary>The present flow of execution is the outer one again.</summary>
    internal static void Leave(ExecutionContext? outer)
    {
        if (outer is null) OfFlow.Value = null;
        else ExecutionContext.Restore(outer);
    }

    /// <summary>On the thread that starts the run: keeps what its caller has set, <see cref="AsyncLocal{T}"/> and the current activity.</summary>
    private void CaptureFlow()
    {
        if (options.Following is not null || ExecutionContext.Capture() is not { } outer) return;
        OfFlow.Value = this;
        flow = ExecutionContext.Capture();
        ExecutionContext.Restore(outer);
    }
}
