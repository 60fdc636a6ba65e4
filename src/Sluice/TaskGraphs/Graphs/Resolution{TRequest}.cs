using System.Threading.Tasks.Sources;

namespace Sluice;

/// <inheritdoc/>
internal sealed class Resolution<TRequest> : Resolution, IValueTaskSource<Context<TRequest>>
{
    private readonly Context<TRequest> context;
    private ManualResetValueTaskSourceCore<Context<TRequest>> source;

    public Resolution(GraphPlan plan, TRequest request, bool recordsTimings, CancellationToken caller) : base(plan, recordsTimings, caller)
    {
        Request = request;
        context = new(this);
    }

    public TRequest Request { get; }

    public Context<TRequest> Context => context;

    public ValueTask<Context<TRequest>> RunAsync()
    {
        if (!Run()) return new(this, source.Version);
        return Problem() is { } problem ? ValueTask.FromException<Context<TRequest>>(problem) : new(context);
    }

    protected override void OnEnded()
    {
        if (Problem() is { } problem) source.SetException(problem);
        else source.SetResult(context);
    }

    private Exception? Problem() => Failure() ?? (Plan.MayConflict ? context.FindConflict() : null);

    Context<TRequest> IValueTaskSource<Context<TRequest>>.GetResult(short token) => source.GetResult(token);

    ValueTaskSourceStatus IValueTaskSource<Context<TRequest>>.GetStatus(short token) => source.GetStatus(token);

    void IValueTaskSource<Context<TRequest>>.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags)
        => source.OnCompleted(continuation, state, token, flags);
}
