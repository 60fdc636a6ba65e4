namespace Sluice;

public abstract partial class StepCall<T>
{
    void IThreadPoolWorkItem.Execute() => Turns.Take(this);

    ICall? ICall.Run()
    {
        RunScheduler scheduler = Scheduler;
        var released = new Released(scheduler.IsSerial ? null : scheduler);
        if (Interlocked.CompareExchange(ref state, Running, Ready) != Ready) seat?.Close(ref released);
        else
        {
            scope?.OnStarted(Name, record);
            // The body runs in the flow of its call, and leaves nothing behind in that of the thread.
            if (flow is null) Invoke();
            else ExecutionContext.Run(flow, static call => ((StepCall<T>)call!).Invoke(), this);
            if (hasEndedAtOnce) Finish(ref released);
        }
        return released.Next;
    }

    void ICall.Leave()
    {
        if (scope is null) return;
        scope.Report(Name, StatusOf(Failure));
        scope.OnEnded(this, Failure);
    }

    void IDependent.OnEnded(Future dependency, ref Released released)
    {
        if (dependency.Failure is { } failure) TryEnd(failure, ref released);
        else if (Interlocked.Decrement(ref pending) == 0) BecomeReady(ref released);
    }

    void IDependent.OnCancelling(Failure cancellation, ref Released released) => TryEnd(cancellation, ref released);

    internal sealed override void TryCancel(Failure cancellation, ref Released released)
    {
        if (TryEnd(cancellation, ref released) || Volatile.Read(ref state) == Ended) return;
        if (Interlocked.CompareExchange(ref failing, cancellation, null) is not null) return;
        TellCancelling(cancellation, ref released);
        Volatile.Read(ref stop)?.Cancel();
    }

    void ICall.TryCancel(Failure cancellation, ref Released released) => TryCancel(cancellation, ref released);

    private void BecomeReady(ref Released released)
    {
        if (Interlocked.CompareExchange(ref state, Ready, Waiting) != Waiting) return;
        if (seat is not null) seat.Request(ref released);
        else released.Ready(this);
    }

    private void Invoke()
    {
        CurrentCall.Enter(seat is null && record is null ? null : this);
        span = Telemetry.StepStarted(Name);
        ValueTask<T> result;
        try
        {
            result = definition.IsPlain ? InvokeAsync(definition.TakesToken ? Token : default) : TryAsync(Token);
            if (result.IsCompleted)
            {
                Value = result.GetAwaiter().GetResult();
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
        new Suspension(this, result).Begin();        // from here on another thread may end it
    }

    private ValueTask<T> TryAsync(CancellationToken cancellation)
        => Attempts.RunAsync(OnceAsync, definition.Policy, scope?.Time ?? TimeProvider.System, Random.Shared, cancellation, staysInContext: true);

    private async ValueTask<T> OnceAsync(int attempt, CancellationToken cancellation)
    {
        if (attempt > 1)
        {
            // The wait was the clock's: go back to where steps run, and to the places that others had meanwhile.
            await new Hop(Scheduler, seat);
            cancellation.ThrowIfCancellationRequested();
            latestAttempt = attempt;
            if (record is not null) record.Attempts = attempt;
        }
        try
        {
            return await InvokeAsync(cancellation);
        }
        catch (Exception) when (attempt <= definition.Policy.Retries)
        {
            if (attempt == latestAttempt) seat?.Leave();    // not by one that was left behind
            throw;
        }
    }

    /// <summary>The body has ended; its outcome is written.</summary>
    private void Finish(ref Released released)
    {
        Volatile.Write(ref state, Ended);
        LetGo();
        Note(Failure);
        if (span is not null) Telemetry.StepEnded(span, StatusOf(Failure).ToString().ToLowerInvariant(), Failure?.Exception);
        scope?.OnEnding(hasRun: true, StatusOf(Failure), record);
        released.Ended(this);
        released.Spread();
        seat?.Close(ref released);
        ((ICall)this).Leave();
    }

    /// <summary>It ends without having run, if it has not started.</summary>
    private bool TryEnd(Failure failure, ref Released released)
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
            LetGo();
            Note(failure);
            scope?.OnEnding(hasRun: false, StatusOf(failure), record);
            released.EndedUnstarted(this, this);
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

    private static FutureStatus StatusOf(Failure? failure)
        => failure switch { null => FutureStatus.Succeeded, { IsCancellation: true } => FutureStatus.Cancelled, _ => FutureStatus.Failed };

    /// <summary>A body may be told by what it awaits that the scope is cancelled, before it is itself.</summary>
    private Failure FailureOf(Exception exception)
        => new(Name, exception, exception is OperationCanceledException && (Volatile.Read(ref failing) is not null || scope is { IsCancelling: true }));

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
                call.Value = result.GetAwaiter().GetResult();
            }
            catch (Exception e)
            {
                call.Failure = call.FailureOf(e);
            }
            var released = new Released(here: null);
            call.Finish(ref released);
        }
    }
}
