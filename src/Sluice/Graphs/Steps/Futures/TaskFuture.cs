namespace Sluice.Graphs;

/// <summary>A task as a future.</summary>
internal sealed class TaskFuture<T> : Future<T>
{
    private readonly Task<T> task;
    private readonly Task of;
    private readonly StepScope? scope = StepScope.Current;
    private int claimed;                             // the thread that sets it ends the future

    /// <param name="task">The task.</param>
    /// <param name="of">The user's task that it awaits, if it is another one: the failure is that one's. Awaited, a task that has failed
    /// with an <see cref="OperationCanceledException"/> looks like a cancelled one.</param>
    public TaskFuture(Task<T> task, Task? of = null)
    {
        (this.task, this.of) = (task, of ?? task);
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
            failure = scope?.FailureOf(of, Name, e) ?? new(Name, e, isCancellation: false);
        }
        TryEnd(failure, ref released);
        released.Spread();
        if (task.IsFaulted || of.IsFaulted) Note(failure!);
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
