namespace Sluice.Graphs;

/// <summary>A wait of a body, after which it continues on the scheduler of its call, once it has its permits again.</summary>
/// <remarks>Awaited once, directly or by its task. Locking rule: none; the continuation is set before the wait can end.</remarks>
internal sealed class Resumption : IDependent, IThreadPoolWorkItem, ICriticalNotifyCompletion
{
    [ThreadStatic]
    private static Resumption? current;                     // of the flow that this thread runs, up to its next wait

    private readonly LimitPermit? permit;
    private readonly RunScheduler scheduler;
    private Action? goOn;
    private readonly TaskCompletionSource? end;
    private int isReturning;

    /// <summary>Waits for the permits of a body.</summary>
    public Resumption(LimitPermit permit) : this(permit.Scheduler, permit) => end = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Waits for the scheduler, and for permits if there is a limit.</summary>
    public Resumption(RunScheduler scheduler, LimitPermit? permit) => (this.scheduler, this.permit) = (scheduler, permit);

    public bool IsCompleted => false;

    public Resumption GetAwaiter() => this;

    public void GetResult()
    {
        // The wait itself cannot fail.
    }

    /// <summary>Notes that the flow on this thread waits again, or ends.</summary>
    public static void EndOfFlow(LimitPermit permit)
    {
        if (current is not { } resumption || !ReferenceEquals(resumption.permit, permit)) return;
        current = null;
        permit.OnWorked();
    }

    /// <summary>The end of the wait as a task; wrap its continuation by <see cref="Flow"/>.</summary>
    public Task AsTask() => end!.Task;

    /// <summary>Wraps the continuation.</summary>
    public Action Flow(Action continuation)
    {
        goOn = continuation;
        return Run;
    }

    public void GoOn()
    {
        if (end is not null) end.SetResult();
        else scheduler.Schedule(this);
    }

    bool IDependent.IsOver => Volatile.Read(ref isReturning) != 0;

    Future? IDependent.Waiter => permit is null ? null : (Future)permit.Call;

    /// <summary>Ends the wait: its future has ended, or is no longer awaited.</summary>
    public void Return()
    {
        if (Interlocked.Exchange(ref isReturning, 1) == 0) permit!.Return(this);
    }

    public void OnCompleted(Action continuation) => UnsafeOnCompleted(continuation);

    public void UnsafeOnCompleted(Action continuation)
    {
        goOn = continuation;
        if (permit is null) scheduler.Schedule(this);
        else Return();
    }

    void IThreadPoolWorkItem.Execute() => Run();

    void IDependent.OnEnded(Future dependency, ref ReadyList released) => Return();

    void IDependent.OnCancelling(Failure cancellation, ref ReadyList released)
    {
        // It ends with the step.
    }

    private void Run()
    {
        if (permit is null)
        {
            goOn!();
            return;
        }
        Resumption? around = current;
        current = this;
        try
        {
            goOn!();
        }
        finally
        {
            if (ReferenceEquals(current, this)) permit.OnWorked();
            current = around;
        }
    }
}
