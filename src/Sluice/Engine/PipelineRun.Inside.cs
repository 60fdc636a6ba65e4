using Sluice.Scheduling;

namespace Sluice;

// The execution context of a run, marked with the run: its caller's, or an empty one in a consecutor, where it outlives its caller. A wait
// for the run inside this context would wait for itself.
// Each pump, lane and tick enters it, and so does code that continues after an await without context; single items do not.
public sealed partial class PipelineRun
{
    private static readonly AsyncLocal<PipelineRun?> OfFlow = new();

    private ExecutionContext? flow;                  // null before the launch

    /// <summary>For messages: work that a function has started is inside of the run as long as it lasts.</summary>
    internal const string OfStarted = "Work that the function has started (Task.Run, a timer) counts as inside, too, unless it is started "
        + "within a using of ExecutionContext.SuppressFlow().";

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
    /// Captures the context of the run on the thread that starts it: the caller's, with its <see cref="AsyncLocal{T}"/> values and current
    /// activity; an empty one in a consecutor, and if the caller suppresses the flow.
    /// </summary>
    private void CaptureFlow()
    {
        if (options.Following is not null || ExecutionContext.Capture() is not { } outer)
        {
            flow = Detached.Run(Mark);
            return;
        }
        flow = Mark();
        ExecutionContext.Restore(outer);
    }

    private ExecutionContext Mark()
    {
        OfFlow.Value = this;
        return ExecutionContext.Capture()!;
    }
}
