using System.Threading.Tasks.Sources;

namespace Sluice;

/// <inheritdoc/>
internal sealed class Resolution<TRequest> : Resolution
{
    private Answer? answer;                          // only where somebody has to wait for it

    public Resolution(GraphPlan plan, TRequest request, bool recordsTimings, CancellationToken caller) : base(plan, recordsTimings, caller)
    {
        Request = request;
        Context = new(this);
    }

    public TRequest Request { get; }

    public Context<TRequest> Context { get; }

    public ValueTask<Context<TRequest>> RunAsync()
    {
        if (!Run()) return answer!.Task;
        return Problem() is { } problem ? ValueTask.FromException<Context<TRequest>>(problem) : new(Context);
    }

    protected override void OnSuspending() => answer = new();

    protected override void OnEnded()
    {
        if (Problem() is { } problem) answer!.Set(problem);
        else answer!.Set(Context);
    }

    private Exception? Problem() => Failure() ?? (Plan.MayConflict ? Context.FindConflict() : null);

    private sealed class Answer : IValueTaskSource<Context<TRequest>>
    {
        private ManualResetValueTaskSourceCore<Context<TRequest>> source;

        public ValueTask<Context<TRequest>> Task => new(this, source.Version);

        public void Set(Exception problem) => source.SetException(problem);

        public void Set(Context<TRequest> context) => source.SetResult(context);

        Context<TRequest> IValueTaskSource<Context<TRequest>>.GetResult(short token) => source.GetResult(token);

        ValueTaskSourceStatus IValueTaskSource<Context<TRequest>>.GetStatus(short token) => source.GetStatus(token);

        void IValueTaskSource<Context<TRequest>>.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags)
            => source.OnCompleted(continuation, state, token, flags);
    }
}
