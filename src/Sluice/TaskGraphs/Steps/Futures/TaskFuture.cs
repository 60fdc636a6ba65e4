namespace Sluice;

/// <summary>A task of somebody else's, where a future is expected.</summary>
internal sealed class TaskFuture<T> : Future<T>
{
    private readonly Task<T> task;
    private int claimed;                             // whoever sets it ends the future

    public TaskFuture(Task<T> task)
    {
        this.task = task;
        // Unlike an await, this goes on in the thread that ends the task, whatever its context: nothing of the user's runs there.
        _ = task.ContinueWith(static (_, future) => ((TaskFuture<T>)future!).End(), this, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
    }

    public override string Name => "a task";

    internal override void AddOrigins(StepOrigins origins)
    {
        // no call has made it
    }

    internal override void TryCancel(Failure cancellation, ref Released released) => TryEnd(cancellation, ref released);

    private void End()
    {
        var released = new Released(here: null);
        Exception? exception = task.IsCompletedSuccessfully ? null : task.Exception?.InnerException ?? new TaskCanceledException(task);
        if (exception is null) Value = task.Result;
        TryEnd(exception is null ? null : new Failure(Name, exception, task.IsCanceled), ref released);
        released.Spread();
    }

    private void TryEnd(Failure? failure, ref Released released)
    {
        if (Interlocked.Exchange(ref claimed, 1) != 0) return;
        Failure = failure;
        released.Ended(this);
    }
}
