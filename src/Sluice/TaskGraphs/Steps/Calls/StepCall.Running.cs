namespace Sluice;

public abstract partial class StepCall<T>
{
    void IThreadPoolWorkItem.Execute() => InlineDispatch.Take(this);

    ICall? ICall.Run()
    {
        RunScheduler scheduler = Scheduler;
        var released = new ReadyList(scheduler.IsSerial ? null : scheduler);
        if (Interlocked.CompareExchange(ref state, Running, Ready) != Ready) return null;     // it has ended meanwhile
        scope?.OnStarted(Name, record);
        // The body runs in the flow of its call, and leaves nothing behind in that of the thread.
        if (flow is null) Invoke();
        else ExecutionContext.Run(flow, static call => ((StepCall<T>)call!).Invoke(), this);
        if (hasEndedAtOnce) Finish(ref released);
        return released.Next;
    }

    void ICall.Leave()
    {
        if (scope is null) return;
        scope.Report(Name, StatusOf(Failure));
        scope.OnEnded(this, Failure);
    }

    void IDependent.OnEnded(Future dependency, ref ReadyList released)
    {
        if (dependency.Failure is { } failure) TryEnd(failure, ref released);
        else if (Interlocked.Decrement(ref pending) == 0) BecomeReady(ref released);
    }

    void IDependent.OnCancelling(Failure cancellation, ref ReadyList released) => TryEnd(cancellation, ref released);

    internal sealed override void TryCancel(Failure cancellation, ref ReadyList released)
    {
        if (TryEnd(cancellation, ref released) || Volatile.Read(ref state) == Ended) return;
        if (Interlocked.CompareExchange(ref failing, cancellation, null) is not null) return;
        TellCancelling(cancellation, ref released);
        Volatile.Read(ref stop)?.Cancel();
    }

    void ICall.TryCancel(Failure cancellation, ref ReadyList released) => TryCancel(cancellation, ref released);

    private void BecomeReady(ref ReadyList released)
    {
        if (Interlocked.CompareExchange(ref state, Ready, Waiting) != Waiting) return;
        if (seat is not null) seat.Request(ref released);
        else released.Ready(this);
    }

    private void Invoke()
    {
        CurrentCall.Enter(seat is not null ? seat : this);
        span = Telemetry.StepStarted(Name);
        ValueTask<T> result;
        IBody? around = CurrentCall.Begin(this);
        try
        {
            result = definition.IsPlain ? InvokeAsync(definition.TakesToken ? Token : default) : definition.Memo is { } memo ? RecallAsync(memo) : TryAsync(Token);
            if (result.IsCompleted)
            {
                Take(result.GetAwaiter().GetResult());
                hasEndedAtOnce = true;
                return;
            }
        }
        catch (Exception e)
        {
            Failure = FailureOf(e);
            hasEndedAtOnce = true;
            return;
        }
        finally
        {
            CurrentCall.Begun(around);
        }
        new Suspension(this, result).Begin();        // from here on another thread may end it
    }

    private void Take(T value)
    {
        if (TaskValues.IsTask(value))
            throw new InvalidOperationException($"{Name} returned a {TypeNames.Of(value!.GetType())} as an object: nobody would wait for it, or hear of its failure. Let {Name} await it.");
        Value = value;
    }

    private ValueTask<T> TryAsync(CancellationToken cancellation)
        => Attempts.RunAsync<Attempted, T>(new(this), definition.Policy, scope?.Time ?? TimeProvider.System, staysInContext: true, cancellation);

    /// <summary>Before an attempt that is not the first. The wait was the clock's: go back to where steps run, and to places, as others have had those of the attempt before.</summary>
    private async ValueTask ReturnAsync(int attempt, CancellationToken cancellation)
    {
        LimitPermit? mine = Line is { } line ? new(this, line, hasStarted: true) : null;
        CancellationTokenRegistration gone = mine is null ? default : cancellation.UnsafeRegister(static seat => ((LimitPermit)seat!).Close(), mine);
        await new Resumption(Scheduler, mine);
        gone.Unregister();
        if (cancellation.IsCancellationRequested) mine?.Close();
        cancellation.ThrowIfCancellationRequested();
        seat = mine;
        if (record is not null) record.Attempts = attempt;
    }

    /// <summary>An attempt has its places until its body has ended, however long ago its time limit has left it behind.</summary>
    private ValueTask<T> CallAsync(CancellationToken cancellation)
    {
        LimitPermit? mine = seat;
        seat = null;                                 // the body's from here on
        return mine is null ? InvokeAsync(cancellation) : CallAsync(mine, cancellation);
    }

    private async ValueTask<T> CallAsync(LimitPermit mine, CancellationToken cancellation)
    {
        CurrentCall.Enter(mine);
        try
        {
            return await InvokeAsync(cancellation);
        }
        finally
        {
            mine.Close();
        }
    }

    /// <summary>The body has ended; its outcome is written.</summary>
    private void Finish(ref ReadyList released)
    {
        Volatile.Write(ref state, Ended);
        LetGo();
        Note(Failure);
        if (span is not null) Telemetry.StepEnded(span, OutcomeOf(StatusOf(Failure)), Failure?.Exception);
        scope?.OnEnding(hasRun: true, StatusOf(Failure), record);
        released.Ended(this);
        released.Spread();
        seat?.Close(ref released);
        ((ICall)this).Leave();
    }

    /// <summary>It ends without having run, if it has not started.</summary>
    private bool TryEnd(Failure failure, ref ReadyList released)
    {
        for (int seen = Volatile.Read(ref state); seen <= Ready;)
        {
            int found = Interlocked.CompareExchange(ref state, Ended, seen);
            if (found != seen)
            {
                seen = found;
                continue;
            }
            Failure = failure;
            Gather();                                // whom it has waited for
            LetGo();
            Note(failure);
            scope?.OnEnding(hasRun: false, StatusOf(failure), record);
            released.EndedUnstarted(this, this);
            seat?.Close(ref released);
            return true;
        }
        return false;
    }

    /// <summary>What led to the call, and where it was made, is not kept as long as its result.</summary>
    private void LetGo()
    {
        Forget();
        flow = null;
    }

    /// <summary>Outside of scopes, nobody else would report it.</summary>
    private void Note(Failure? failure)
    {
        if (scope is null && failure is not null && failure.TryNote()) failure.Watch();
    }

    // Dashboards ask for these texts: no names of the code's.
    private static string OutcomeOf(FutureStatus status) => status switch
    {
        FutureStatus.Succeeded => "succeeded",
        FutureStatus.Failed => "failed",
        _ => "cancelled",
    };

    private static FutureStatus StatusOf(Failure? failure)
        => failure switch { null => FutureStatus.Succeeded, { IsCancellation: true } => FutureStatus.Cancelled, _ => FutureStatus.Failed };

    /// <summary>A body may be told by what it awaits that the scope is cancelled, before it is itself. One that ends as a future has that was cancelled, and that it has awaited, is cancelled with it.</summary>
    private Failure FailureOf(Exception exception)
        => new(Name, exception is NullTaskException ? new NullTaskException(Name) : exception, exception is OperationCanceledException cancelled && (Volatile.Read(ref failing) is not null || scope is { IsCancelling: true } || Failure.IsOfCancelled(cancelled)));

    /// <summary>What the body is stopped by; made when it is asked for.</summary>
    private CancellationToken Token
    {
        get
        {
            if (stop is null)
            {
                Interlocked.Exchange(ref stop, new());
                if (Volatile.Read(ref failing) is not null) stop.Cancel();
            }
            return stop.Token;
        }
    }

    /// <summary>A body that may be tried several times, or has a time limit.</summary>
    private readonly struct Attempted(StepCall<T> call) : IAttempted<T>
    {
        public string Name => call.Name;

        public ValueTask EnterAsync(int attempt, CancellationToken cancellation) => attempt == 1 ? default : call.ReturnAsync(attempt, cancellation);

        public ValueTask<T> CallAsync(int attempt, CancellationToken cancellation) => call.CallAsync(cancellation);
    }

    /// <summary>A body that has not ended at once.</summary>
    private sealed class Suspension(StepCall<T> call, ValueTask<T> result)
    {
        /// <summary>Where one thing runs at a time, its context has to be kept: a task that ends in it would let others go on in the pool.</summary>
        public void Begin() => result.ConfigureAwait(call.Scheduler.IsSerial).GetAwaiter().UnsafeOnCompleted(GoOn);

        /// <summary>On a thread that may be anybody's: nothing of the user's runs here.</summary>
        private void GoOn()
        {
            try
            {
                call.Take(result.GetAwaiter().GetResult());
            }
            catch (Exception e)
            {
                call.Failure = call.FailureOf(e);
            }
            var released = new ReadyList(here: null);
            call.Finish(ref released);
        }
    }
}
