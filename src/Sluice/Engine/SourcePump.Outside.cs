namespace Sluice.Engine;

// Source code that blocks the pump's thread: a sequence that waits, a read of the standard input, a file of a server that is away. After a
// stop it gets a moment to return; then the run continues without it, on another thread. Locking rule: the pump writes `isOutside`, then
// reads `stopped`; the stopping thread writes `stopped`, makes a process-wide barrier, then reads `isOutside`. After a stop, one exchange
// of `decision` decides which thread ends the pump.
internal abstract partial class SourcePump<T>
{
    private const int Undecided = 0, LeftBehind = 1, HasComeBack = 2;

    private bool isOutside;
    private int thread;                              // the pump's thread when it last went outside; 0 if it never did
    private int decision;
    private ITimer? moment;
    private TaskCompletionSource? back;              // completes when the code has returned too late

    protected sealed override bool IsLeft => Volatile.Read(ref decision) == LeftBehind;

    /// <summary>Announces a call of source code that may block this thread.</summary>
    /// <returns>Whether more items are wanted; if so, make the call, then call <see cref="ComeBack"/>.</returns>
    protected bool GoOutside()
    {
        Volatile.Write(ref isOutside, true);
        if (!stopped) return true;
        ComeBack();
        return false;
    }

    /// <summary>Announces that the call has returned or thrown.</summary>
    /// <returns>Whether the run has waited for it. If not, the pump returns and touches nothing of the run any more.</returns>
    protected bool ComeBack()
    {
        Volatile.Write(ref isOutside, false);
        return !stopped || Interlocked.CompareExchange(ref decision, HasComeBack, Undecided) != LeftBehind;
    }

    /// <summary>Calls source code that may block this thread. For single calls; loops announce theirs themselves.</summary>
    /// <returns>Whether more items are wanted and the run has waited for the call. If not, the pump disposes the result, if there is one,
    /// and returns; it touches nothing of the run any more.</returns>
    protected bool TryOutside<TResult>(Func<TResult> call, out TResult? result)
    {
        result = default;
        MayGoOutside();
        if (!GoOutside()) return false;
        try
        {
            result = call();
        }
        catch (Exception e) when (AnswersStop(e))
        {
            ComeBack();                              // it has answered the stop
            return false;
        }
        catch
        {
            ComeBack();
            throw;
        }
        return ComeBack();
    }

    /// <summary>Whether code of the source has answered the stop with a cancellation: that is no failure.</summary>
    protected bool AnswersStop(Exception failure) => failure is OperationCanceledException && IsStopped;

    /// <summary>Emits what the pump still holds back. Called once after the last item, unless the pump has completed synchronously; if the
    /// pump was left, by the thread that ends it.</summary>
    protected virtual ValueTask EmitHeldAsync() => default;

    /// <summary>Whether the run waits for such code, up to its stop timeout, before it ends without the code.</summary>
    protected virtual bool IsAwaited => true;

    /// <summary>Records the current thread. Called once before a series of calls on one thread.</summary>
    protected void MayGoOutside() => thread = Environment.CurrentManagedThreadId;

    private void LeaveLater()
    {
        if (thread == 0 || thread == Environment.CurrentManagedThreadId || Run.IsStopping) return;       // inside this code
        Interlocked.MemoryBarrierProcessWide();
        if (!Volatile.Read(ref isOutside)) return;
        ITimer waits = Run.Time.CreateTimer(static pump => ((SourcePump<T>)pump!).Leave(), this, Run.MomentToComeBack,
            Timeout.InfiniteTimeSpan);
        Interlocked.Exchange(ref moment, waits)?.Dispose();
    }

    private void Leave()
    {
        Volatile.Read(ref moment)?.Dispose();
        if (Run.IsStopping) return;                  // a stopping run waits for the stop timeout, then names the node
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
