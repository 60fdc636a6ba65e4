using Sluice.Diagnostics;
using Sluice.Policies;

namespace Sluice.Graphs;

public abstract partial class StepCall<T>
{
    void IThreadPoolWorkItem.Execute() => InlineDispatch.Take(this);

    ICall? ICall.Run()
    {
        RunScheduler scheduler = Scheduler;
        var released = new ReadyList(scheduler.IsSerial ? null : scheduler);
        if (Interlocked.CompareExchange(ref state, Running, Ready) != Ready) return null;     // it has ended meanwhile
        scope?.OnStarted(Name, record);
        // The body runs in the execution context of its call, and changes nothing in that of the thread.
        if (flow is null) InvokeWithoutFlow();
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
        if (permit is not null) permit.Request(ref released);
        else released.Ready(this);
    }

    /// <summary>Runs the body of a call that was made while the flow of the context was suppressed.</summary>
    private void InvokeWithoutFlow()
    {
        ExecutionContext? here = ExecutionContext.Capture();
        Invoke();
        if (here is not null && !ReferenceEquals(here, ExecutionContext.Capture())) ExecutionContext.Restore(here);
    }

    private void Invoke()
    {
        CurrentCall.Enter(permit is not null ? permit : this);
        span = OnceTelemetry.StepStarted(Name);
        ValueTask<T> result;
        IBody? around = CurrentCall.Begin(this);
        try
        {
            result = definition.IsPlain ? InvokeAsync(definition.TakesToken ? Token : default) : definition.Memo is { } memo
                ? RecallAsync(memo) : TryAsync(Token);
            if (result.IsCompleted)
            {
                Take(result);
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

    /// <summary>Takes the outcome of the ended body.</summary>
    private void Take(ValueTask<T> ended)
    {
        if (ended.IsCompletedSuccessfully)
        {
            Take(ended.Result);
            return;
        }
        // Without a throw, which would lengthen the stack trace and cost more than all the rest. A cancellation has no other way.
        Task<T> task = ended.AsTask();
        if (task.Exception is { InnerException: { } problem }) Failure = FailureOf(problem);
        else Take(task.GetAwaiter().GetResult());
    }

    private void Take(T value)
    {
        if (PendingWork.Is(value))
            throw new InvalidOperationException(
                $"{Name} returned a {TypeNames.Of(value!.GetType())} as an object: it would not be awaited, and its failure would be lost. "
                    + $"Let {Name} await it.");
        Value = value;
    }

    private ValueTask<T> TryAsync(CancellationToken cancellation)
        => Attempts.RunAsync<Attempted, T>(new(this, new()), definition.Policy, scope?.Time ?? TimeProvider.System, staysInContext: true,
        cancellation);

    /// <summary>Prepares a retry: the pause ended on a timer, so return to the scheduler, and take permits again.</summary>
    private async ValueTask ReturnAsync(int attempt, CancellationToken cancellation)
    {
        LimitPermit? mine = Line is { } line ? new(this, line, hasStarted: true) : null;
        CancellationTokenRegistration gone = mine is null ? default
            : cancellation.UnsafeRegister(static permit => ((LimitPermit)permit!).Close(), mine);
        if (mine is not null) ((ICall)this).CountAwaits(1);          // the permit counts the end of this wait
        await new Resumption(Scheduler, mine);
        gone.Unregister();
        if (cancellation.IsCancellationRequested) mine?.Close();
        cancellation.ThrowIfCancellationRequested();
        permit = mine;
        if (record is not null) record.Attempts = attempt;
    }

    /// <summary>Calls the body; its permits stay until it has ended, even if a timeout has abandoned it.</summary>
    private ValueTask<T> CallAsync(CancellationToken cancellation)
    {
        LimitPermit? mine = permit;
        permit = null;                                 // the body's from here on
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

    /// <summary>Ends the call after its body has ended and the outcome is written.</summary>
    private void Finish(ref ReadyList released)
    {
        Volatile.Write(ref state, Ended);
        LetGo();
        Note(Failure);
        if (span is not null) Telemetry.End(span, Failure?.Exception, OutcomeOf(StatusOf(Failure)));
        scope?.OnEnding(hasRun: true, StatusOf(Failure), record);
        released.Ended(this);
        released.Spread();
        permit?.Close(ref released);
        ((ICall)this).Leave();
    }

    /// <summary>Ends the call without running it, if it has not started.</summary>
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
            Gather();                                // abandons the futures it has waited for
            LetGo();
            Note(failure);
            scope?.OnEnding(hasRun: false, StatusOf(failure), record);
            released.EndedUnstarted(this, this);
            permit?.Close(ref released);
            return true;
        }
        return false;
    }

    /// <summary>Releases the arguments and the execution context, which must not live as long as the result.</summary>
    private void LetGo()
    {
        Forget();
        flow = null;
    }

    /// <summary>Watches a failure outside of scopes, where nothing else would report it.</summary>
    private void Note(Failure? failure)
    {
        if (scope is null && failure is not null && failure.TryNote()) failure.Watch();
    }

    // Fixed texts, because dashboards query them; not names of the code.
    private static string OutcomeOf(FutureStatus status) => status switch
    {
        FutureStatus.Succeeded => "succeeded",
        FutureStatus.Failed => "failed",
        _ => "cancelled",
    };

    private static FutureStatus StatusOf(Failure? failure)
        => failure switch { null => FutureStatus.Succeeded, { IsCancellation: true } => FutureStatus.Cancelled, _ => FutureStatus.Failed };

    /// <summary>
    /// Makes the failure. It is a cancellation if the call or its scope was cancelled, or if the body ends with the cancellation of a
    /// future that it has awaited.
    /// </summary>
    private Failure FailureOf(Exception exception)
        => new(Name, exception is NullTaskException ? new NullTaskException(Name) : exception,
        exception is OperationCanceledException cancelled
            && (Volatile.Read(ref failing) is not null || scope is { IsCancelling: true }
                || Failure.OfCancelled(cancelled) is not null), body: this);

    /// <summary>The token of the body; created on demand.</summary>
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

    /// <summary>A body with retries or a time limit.</summary>
    /// <param name="call">The call.</param>
    /// <param name="began">The number of the last failure before the present attempt.</param>
    private readonly struct Attempted(StepCall<T> call, StrongBox<long> began) : IAttempted<T>
    {
        public string Name => call.Name;

        public Random Random => call.scope?.Random ?? Random.Shared;

        // A future that was cancelled before the attempt has no value at a further one either. The attempt may have made others itself.
        public bool IsFinal(Exception exception)
            => exception is OperationCanceledException cancelled && Failure.OfCancelled(cancelled)?.Origin <= began.Value;

        public ValueTask EnterAsync(int attempt, CancellationToken cancellation)
            => attempt == 1 ? default : call.ReturnAsync(attempt, cancellation);

        public ValueTask<T> CallAsync(int attempt, CancellationToken cancellation)
        {
            began.Value = Failure.Count;
            return call.CallAsync(cancellation);
        }
    }

    /// <summary>The wait for a body that did not end at once.</summary>
    private sealed class Suspension(StepCall<T> call, ValueTask<T> result)
    {
        /// <summary>
        /// Begins the wait. A serial scheduler keeps its context: a task that ends in it would otherwise continue on the pool.
        /// </summary>
        public void Begin() => result.ConfigureAwait(call.Scheduler.IsSerial).GetAwaiter().UnsafeOnCompleted(GoOn);

        /// <summary>Takes the result, on any thread: no user code runs here.</summary>
        private void GoOn()
        {
            try
            {
                call.Take(result);
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
