namespace Sluice;

/// <summary>The end of a future, for somebody who awaits it and then asks the future itself how it ended: a task that never fails, which nobody has to look at.</summary>
internal class FutureEnd() : TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously), IDependent
{
    bool IDependent.IsOver => Task.IsCompleted;

    Future? IDependent.Waiter => Waiter;

    protected virtual Future? Waiter => null;

    public static Task Of(Future future)
    {
        var end = new FutureEnd();
        end.Await(future);
        return end.Task;
    }

    protected void Await(Future future)
    {
        future.MarkAwaited();
        if (!future.TryAttach(this)) OnEnded();
    }

    protected virtual void OnEnded() => TrySetResult();

    void IDependent.OnEnded(Future dependency, ref ReadyList released) => OnEnded();

    void IDependent.OnCancelling(Failure cancellation, ref ReadyList released)
    {
        // it ends when the step does
    }
}

/// <summary>The same for a body that is known.</summary>
internal sealed class BodyFutureEnd(IBody body) : FutureEnd
{
    protected override Future Waiter => (Future)body.Call;

    /// <param name="future">What the body awaits.</param>
    /// <param name="body">That awaits.</param>
    /// <param name="circle">Who waits for whom, if the future waits for the body: then the task ends at once.</param>
    public static Task Of(Future future, IBody body, out string? circle)
    {
        circle = null;
        var end = new BodyFutureEnd(body);
        body.Call.CountAwaits(1);
        end.Await(future);
        if (!end.Task.IsCompleted && (circle = WaitCircle.ClosedBy(body, future)) is not null) end.OnEnded();
        return end.Task;
    }

    protected override void OnEnded()
    {
        if (TrySetResult()) body.Call.CountAwaits(-1);
    }
}
