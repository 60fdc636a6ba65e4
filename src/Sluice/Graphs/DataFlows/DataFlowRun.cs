using System.Threading.Tasks.Sources;

namespace Sluice.Graphs;

/// <summary>One run of a flow: a resolve of its graph, with the flow's parameters.</summary>
internal sealed class DataFlowRun : GraphContext
{
    private readonly CompiledDataFlow program;

    public DataFlowRun(CompiledDataFlow program, GraphPlan plan, object? request, CancellationToken caller) : base(plan, caller)
        => (this.program, Request) = (program, request);

    /// <summary>The parameters, as packed by their form.</summary>
    public object? Request { get; }

    internal override string Term => "function";

    internal override string GraphTerm => "data flow";

    private protected override string Work => "run of the data flow";

    public ValueTask<DataFlowResult> RunAsync()
    {
        if (Run() is { } resolution) return ((Waiting)resolution).Task;
        return Problem() is { } problem ? FailedAsync<DataFlowResult>(Unwrap(problem)) : new(new DataFlowResult(program, this));
    }

    private protected override Resolution NewResolution() => new Waiting(this);

    /// <summary>
    /// Unwraps errors of the flow itself, which are no failure of the node where they showed. A function may throw the same types, for
    /// example when it runs another flow; that is its failure. So an error that leaves its run has no owner any more.
    /// </summary>
    private Exception Unwrap(Exception problem)
    {
        if (problem is not NodeFailedException { InnerException: { } cause, StillRunning.Count: 0 }) return problem;
        switch (cause)
        {
            case DataFlowException own when own.Owner == program.Code:
                own.Owner = null;
                return own;
            case MergeConflictException own when own.Owner == program.Code:
                own.Owner = null;
                return own;
            default:
                return problem;
        }
    }

    /// <summary>The state of a run that did not end at once.</summary>
    private sealed class Waiting(DataFlowRun run) : Resolution(run), IValueTaskSource<DataFlowResult>
    {
        private ManualResetValueTaskSourceCore<DataFlowResult> source;

        public ValueTask<DataFlowResult> Task => new(this, source.Version);

        public override void End(Exception? problem)
        {
            if (problem is null) source.SetResult(new(((DataFlowRun)Context).program, Context));
            else source.SetException(((DataFlowRun)Context).Unwrap(problem));
        }

        DataFlowResult IValueTaskSource<DataFlowResult>.GetResult(short token) => source.GetResult(token);

        ValueTaskSourceStatus IValueTaskSource<DataFlowResult>.GetStatus(short token) => source.GetStatus(token);

        void IValueTaskSource<DataFlowResult>.OnCompleted(Action<object?> continuation, object? state, short token,
            ValueTaskSourceOnCompletedFlags flags)
            => source.OnCompleted(continuation, state, token, flags);
    }
}
