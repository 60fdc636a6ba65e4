using System.Runtime.CompilerServices;

namespace Sluice;

/// <summary>A wait of a body that ends on the scheduler of its call, when the call has its places again.</summary>
/// <remarks>Awaited once, by one party: by the await itself, or as a task.</remarks>
internal sealed class Hop : IDependent, IThreadPoolWorkItem, ICriticalNotifyCompletion
{
    private readonly Seat? seat;
    private readonly RunScheduler scheduler;
    private Action? goOn;
    private TaskCompletionSource? end;

    /// <summary>Waits for the places of a body.</summary>
    public Hop(Seat seat) => (this.seat, scheduler) = (seat, seat.Scheduler);

    /// <summary>Waits for the scheduler, and for places if there is a seat.</summary>
    public Hop(RunScheduler scheduler, Seat? seat) => (this.scheduler, this.seat) = (scheduler, seat);

    public bool IsCompleted => false;

    public Hop GetAwaiter() => this;

    public void GetResult()
    {
        // nothing can have gone wrong
    }

    /// <summary>Those who await the task go on where they like.</summary>
    public Task AsTask() => (end = new(TaskCreationOptions.RunContinuationsAsynchronously)).Task;

    public void GoOn()
    {
        if (end is not null) end.SetResult();
        else scheduler.Schedule(this);
    }

    /// <summary>What was waited for has ended.</summary>
    public void Return() => seat!.Return(this);

    public void OnCompleted(Action continuation) => UnsafeOnCompleted(continuation);

    public void UnsafeOnCompleted(Action continuation)
    {
        goOn = continuation;
        if (seat is null) scheduler.Schedule(this);
        else Return();
    }

    void IThreadPoolWorkItem.Execute() => goOn!();

    void IDependent.OnEnded(Future dependency, ref Released released) => Return();

    void IDependent.OnCancelling(Failure cancellation, ref Released released)
    {
        // it ends when the step does
    }
}
