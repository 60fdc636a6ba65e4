namespace Sluice.Graphs;

/// <summary>A task as a future.</summary>
internal sealed class TaskFuture<T> : Future<T>
{
    private readonly Task<T> task;
    private readonly StepScope? scope = StepScope.Current;
    private int claimed;                             // the thread that sets it ends the future

    public TaskFuture(Task<T> task)
    {
        this.task = task;
        // Unlike an await, it continues on the thread that ends the task, in any context, because no user code runs here.
        _ = task.ContinueWith(static (_, future) => ((TaskFuture<T>)future!).End(), this, CancellationToken.None,
            TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
    }

    public override string Name => "a task";

    internal override object? Origins => null;       // not made by a call

    internal override bool MayWait => false;

    internal override void TryCancel(Failure cancellation, ref ReadyList released) => TryEnd(cancellation, ref released);

    private void End()
    {
        var released = new ReadyList(here: null);
        Failure? failure = null;
        try
        {
            Value = task.GetAwaiter().GetResult();
        }
        catch (Exception e)
        {
            // A cancelled task is a failure unless the scope was cancelled: an HttpClient, for example, reports its timeout as a
            // cancellation.
            failure = task.IsFaulted && scope is not null ? scope.FailureOf(task, Name, e)
                : new(Name, e, e is OperationCanceledException && scope is { IsCancelling: true });
        }
        TryEnd(failure, ref released);
        released.Spread();
        if (task.IsFaulted) Note(failure!);
    }

    /// <summary>Takes over the report of an unobserved failure from the task, which counts as observed from here on. The scope of a call
    /// that has failed with it comes first.</summary>
    private void Note(Failure failure)
    {
        if (scope is null) failure.Watch();          // not noted: a call that fails with it later tells its scope
        else if (failure.TryNote()) scope.OnTaskFailed(failure);
    }

    private void TryEnd(Failure? failure, ref ReadyList released)
    {
        if (Interlocked.Exchange(ref claimed, 1) != 0) return;
        Failure = failure;
        released.Ended(this);
    }
}
