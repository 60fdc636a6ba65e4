namespace Sluice;

// Code of the source that blocks the thread of the pump: a sequence that waits, a read of the standard input. When no more is wanted, it gets a moment to come back with an item;
// after that the run goes on without it, on another thread.
// Locking rule: the pump writes `isOutside` and then reads `stopped`; whoever stops it writes `stopped`, makes a barrier on all processors, and then reads `isOutside`. Once it is stopped,
// one exchange of `decision` says who ends the pump.
internal abstract partial class SourcePump<T>
{
    private const int Undecided = 0, LeftBehind = 1, HasComeBack = 2;

    private bool isOutside;
    private int thread;                              // that of the pump, when it went outside last; 0 if it never did
    private int decision;
    private ITimer? moment;
    private TaskCompletionSource? back;              // ends when the code has come back too late

    protected sealed override bool IsLeft => Volatile.Read(ref decision) == LeftBehind;

    /// <summary>Code of the source is about to be called that may block this thread.</summary>
    /// <returns>Whether more is wanted; then call it, and <see cref="ComeBack"/>.</returns>
    protected bool GoOutside()
    {
        Volatile.Write(ref isOutside, true);
        if (!stopped) return true;
        ComeBack();
        return false;
    }

    /// <summary>It has returned, or thrown.</summary>
    /// <returns>Whether the run has waited for it. If not, the pump touches nothing of the run any more, and returns.</returns>
    protected bool ComeBack()
    {
        Volatile.Write(ref isOutside, false);
        return !stopped || Interlocked.CompareExchange(ref decision, HasComeBack, Undecided) != LeftBehind;
    }

    /// <summary>Whether the run waits for such code, for its grace, before it ends without it.</summary>
    protected virtual bool IsAwaited => true;

    /// <summary>Called before, once for a stretch of calls on one thread.</summary>
    protected void MayGoOutside() => thread = Environment.CurrentManagedThreadId;

    private void LeaveLater()
    {
        if (thread == 0 || thread == Environment.CurrentManagedThreadId || Run.IsStopping) return;       // code that stops its own run is at work, and comes back
        Interlocked.MemoryBarrierProcessWide();
        if (!Volatile.Read(ref isOutside)) return;
        ITimer waits = Run.Time.CreateTimer(static pump => ((SourcePump<T>)pump!).Leave(), this, Run.MomentToComeBack, Timeout.InfiniteTimeSpan);
        Interlocked.Exchange(ref moment, waits)?.Dispose();
    }

    private void Leave()
    {
        Volatile.Read(ref moment)?.Dispose();
        if (Run.IsStopping) return;                  // then it is waited for, for the grace, and named
        Interlocked.MemoryBarrierProcessWide();
        if (!Volatile.Read(ref isOutside)) return;
        var late = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        if (Interlocked.CompareExchange(ref back, late, null) is not null) return;
        if (Interlocked.CompareExchange(ref decision, LeftBehind, Undecided) != Undecided) return;
        if (IsAwaited) leaving = late.Task;
        else Run.Abandon(late.Task, Node);
        Run.Scheduler.Forsake();
        Run.Scheduler.Schedule(new Ending(this));
    }

    private async Task EndWithoutAsync()
    {
        Run.Enter();
        try
        {
            await CompleteAsync();
        }
        catch (Exception e)
        {
            Run.Fail(e, Node);
        }
        End();
    }

    private sealed class Ending(SourcePump<T> pump) : IThreadPoolWorkItem
    {
        public void Execute() => _ = pump.EndWithoutAsync();
    }
}
