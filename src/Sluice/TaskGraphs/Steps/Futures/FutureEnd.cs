namespace Sluice;

/// <summary>The end of a future, for somebody who awaits it and then asks the future itself how it ended: a task that never fails, which nobody has to look at.</summary>
internal sealed class FutureEnd() : TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously), IDependent
{
    public static Task Of(Future future)
    {
        future.MarkAwaited();
        var end = new FutureEnd();
        if (!future.TryAttach(end)) end.SetResult();
        return end.Task;
    }

    void IDependent.OnEnded(Future dependency, ref Released released) => SetResult();

    void IDependent.OnCancelling(Failure cancellation, ref Released released)
    {
        // it ends when the step does
    }
}
