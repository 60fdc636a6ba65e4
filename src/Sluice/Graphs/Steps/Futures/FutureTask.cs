namespace Sluice.Graphs;

/// <summary>A future as a task. Awaits continue asynchronously, not on the thread that ends the future.</summary>
internal sealed class FutureTask<T>() : TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously), IDependent
{
    public void End(Future<T> future)
    {
        if (future.Failure is not { } failure) SetResult(future.Value!);
        else if (failure is { IsCancellation: true, Exception: OperationCanceledException cancelled })
            SetCanceled(cancelled.CancellationToken.IsCancellationRequested ? cancelled.CancellationToken : new(canceled: true));
        else SetException(failure.Exception);
    }

    void IDependent.OnEnded(Future dependency, ref ReadyList released) => End((Future<T>)dependency);

    void IDependent.OnCancelling(Failure cancellation, ref ReadyList released)
    {
        // It ends with the step.
    }
}
