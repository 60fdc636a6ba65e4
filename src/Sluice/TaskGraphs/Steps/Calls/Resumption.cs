using System.Runtime.CompilerServices;

namespace Sluice;

/// <summary>A wait of a body that ends on the scheduler of its call, when the call has its places again.</summary>
/// <remarks>Awaited once, by one party: by the await itself, or by way of a task. Locking rule: none; what is behind the wait is set before it can end.</remarks>
internal sealed class Resumption : IDependent, IThreadPoolWorkItem, ICriticalNotifyCompletion
{
    [ThreadStatic]
    private static Resumption? current;                     // whose flow this thread runs, up to its next wait

    private readonly LimitPermit? seat;
    private readonly RunScheduler scheduler;
    private Action? goOn;
    private readonly TaskCompletionSource? end;
    private int isReturning;

    /// <summary>Waits for the places of a body.</summary>
    public Resumption(LimitPermit seat) : this(seat.Scheduler, seat) => end = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Waits for the scheduler, and for places if there is a seat.</summary>
    public Resumption(RunScheduler scheduler, LimitPermit? seat) => (this.scheduler, this.seat) = (scheduler, seat);

    public bool IsCompleted => false;

    public Resumption GetAwaiter() => this;

    public void GetResult()
    {
        // nothing can have gone wrong
    }

    /// <summary>The next wait of the flow that this thread runs begins here, or the flow ends.</summary>
    public static void EndOfFlow(LimitPermit seat)
    {
        if (current is not { } hop || !ReferenceEquals(hop.seat, seat)) return;
        current = null;
        seat.OnWorked();
    }

    /// <summary>Those who await the task go on where they like. It is awaited with <see cref="Flow"/> around what comes then.</summary>
    public Task AsTask() => end!.Task;

    /// <summary>What comes behind the wait.</summary>
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

    Future? IDependent.Waiter => seat is null ? null : (Future)seat.Call;

    /// <summary>What was waited for has ended, or is not waited for any more.</summary>
    public void Return()
    {
        if (Interlocked.Exchange(ref isReturning, 1) == 0) seat!.Return(this);
    }

    public void OnCompleted(Action continuation) => UnsafeOnCompleted(continuation);

    public void UnsafeOnCompleted(Action continuation)
    {
        goOn = continuation;
        if (seat is null) scheduler.Schedule(this);
        else Return();
    }

    void IThreadPoolWorkItem.Execute() => Run();

    void IDependent.OnEnded(Future dependency, ref ReadyList released) => Return();

    void IDependent.OnCancelling(Failure cancellation, ref ReadyList released)
    {
        // it ends when the step does
    }

    private void Run()
    {
        if (seat is null)
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
            if (ReferenceEquals(current, this)) seat.OnWorked();
            current = around;
        }
    }
}
