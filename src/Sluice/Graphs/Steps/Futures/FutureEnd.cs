namespace Sluice.Graphs;

/// <summary>The end of a future as a task that never fails; its awaiter then asks the future for the outcome.</summary>
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
        // It ends with the step.
    }
}

/// <summary>The end of a future that a known body awaits.</summary>
internal sealed class BodyFutureEnd(IBody body) : FutureEnd
{
    protected override Future Waiter => (Future)body.Call;

    /// <param name="future">The future.</param>
    /// <param name="body">The body that awaits it.</param>
    /// <param name="circle">The circle, if the future waits for the body; then the task ends at once.</param>
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
