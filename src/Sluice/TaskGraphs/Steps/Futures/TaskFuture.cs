namespace Sluice;

/// <summary>A task of somebody else's, where a future is expected.</summary>
internal sealed class TaskFuture<T> : Future<T>
{
    private readonly Task<T> task;
    private readonly StepScope? scope = StepScope.Current;
    private int claimed;                             // whoever sets it ends the future

    public TaskFuture(Task<T> task)
    {
        this.task = task;
        // Unlike an await, this goes on in the thread that ends the task, whatever its context: nothing of the user's runs there.
        _ = task.ContinueWith(static (_, future) => ((TaskFuture<T>)future!).End(), this, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
    }

    public override string Name => "a task";

    internal override object? Origins => null;       // no call has made it

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
            // Some give up by themselves and say that they were cancelled, as an HttpClient after its time limit: that is a failure.
            failure = new(Name, e, e is OperationCanceledException && scope is { IsCancelling: true });
        }
        TryEnd(failure, ref released);
        released.Spread();
    }

    private void TryEnd(Failure? failure, ref ReadyList released)
    {
        if (Interlocked.Exchange(ref claimed, 1) != 0) return;
        Failure = failure;
        released.Ended(this);
    }
}
