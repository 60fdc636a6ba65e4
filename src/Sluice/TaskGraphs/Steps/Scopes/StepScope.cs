using System.Diagnostics.CodeAnalysis;

namespace Sluice;

/// <summary>
/// Owns the calls of steps that are made in it, also by the steps themselves: bounds how many run at a time, cancels them together, records the graph, can be awaited as a whole, and reports
/// failures that nobody awaited.
/// </summary>
/// <remarks>
/// <para>It is current from <see cref="Begin"/> until it is disposed, in the flow of execution that began it and in those that start from there, as <see cref="AsyncLocal{T}"/> is. A scope
/// inside another is cancelled with it. Thread-safe.</para>
/// <para>Dispose it with <c>await using</c>: what has not ended by then is cancelled and waited for. Await <see cref="Completion"/> before, to let everything end by itself and to see
/// what has failed.</para>
/// </remarks>
public sealed partial class StepScope : IAsyncDisposable
{
    private static readonly AsyncLocal<StepScope?> OfFlow = new();

    // Locking rule: the list of calls, records, failures and what waits for the end, under the lock; calls are cancelled and users told outside of it. Counts are changed by interlocked operations.
    private readonly Lock sync = new();
    private readonly StepScope? outer;
    private readonly StepScopeOptions options;
    private readonly CancellationToken cancellation;
    private readonly CancellationTokenSource stop;
    private readonly CancellationTokenRegistration registration;
    private ICall? newest;
    private int outstanding;
    private TaskCompletionSource? rest;              // ends when nothing is outstanding
    private Failure? cancelling;
    private volatile bool isDisposed;

    private StepScope(int? maxConcurrency, StepScopeOptions options, CancellationToken cancellation)
    {
        outer = Current is { isDisposed: false } current ? current : null;     // code that was left behind by a scope that is over may begin another
        (this.options, this.cancellation) = (options, cancellation);
        began = options.Time.GetTimestamp();
        if (maxConcurrency is { } count) Places = new(count);
        stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation, outer?.stop.Token ?? default);
        registration = stop.Token.UnsafeRegister(static scope => ((StepScope)scope!).CancelAll(), this);
    }

    /// <summary>The scope in which a call would be made here; null outside of scopes.</summary>
    public static StepScope? Current => OfFlow.Value;

    internal RunScheduler Scheduler => options.Scheduler;

    internal TimeProvider Time => options.Time;

    internal bool IsCancelling => Volatile.Read(ref cancelling) is not null;

    /// <summary>Null: any number of bodies at a time.</summary>
    internal Places? Places { get; }

    /// <summary>
    /// Ends when nothing is outstanding: neither what was called before, nor what that has called in its turn. Fails with the exceptions of those failures that nobody awaited; is cancelled
    /// if the scope was. A later call in the scope begins anew.
    /// </summary>
    public Task Completion
    {
        get
        {
            TaskCompletionSource waits;
            lock (sync)
            {
                if (outstanding == 0) return Judge();
                waits = rest ??= new(TaskCreationOptions.RunContinuationsAsynchronously);
            }
            // Not by an await, which would keep only one of several exceptions.
            return waits.Task.ContinueWith(static (_, scope) => ((StepScope)scope!).Judge(), this, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default).Unwrap();
        }
    }

    /// <summary>Begins a scope, which is then the current one.</summary>
    /// <param name="maxConcurrency">How many steps may run at a time, 1 or more; null for any number. A step that awaits a future does not count while it waits.</param>
    /// <param name="cancellation">Cancels everything in the scope.</param>
    /// <param name="options">The clock, the scheduler, who is told of what; null for the defaults.</param>
    /// <returns>To be disposed where it was begun.</returns>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="maxConcurrency"/> is less than 1.</exception>
    [SuppressMessage("Design", "CA1068:CancellationToken parameters must come last", Justification = "Options are rarer than tokens.")]
    public static StepScope Begin(int? maxConcurrency = null, CancellationToken cancellation = default, StepScopeOptions? options = null)
    {
        if (maxConcurrency is { } count) ArgumentOutOfRangeException.ThrowIfLessThan(count, 1, nameof(maxConcurrency));
        var scope = new StepScope(maxConcurrency, options ?? new(), cancellation);
        OfFlow.Value = scope;
        return scope;
    }

    /// <summary>Cancels everything in the scope, and whatever is called in it from now on: steps that have not started never run, those that run are told by their tokens.</summary>
    /// <exception cref="AggregateException">Something that was registered with the token of a running step has thrown; everything has been cancelled nevertheless.</exception>
    public void Cancel() => stop.Cancel();

    /// <summary>Ends the scope: what is left is cancelled, and waited for. Whatever is called in it afterwards is refused.</summary>
    /// <returns>Ends when no step of the scope runs any more. Does not fail with the failures of steps: those that nobody has seen are reported as outside of scopes.</returns>
    public ValueTask DisposeAsync()
    {
        if (ReferenceEquals(OfFlow.Value, this)) OfFlow.Value = outer;
        return new(EndAsync());
    }

    private async Task EndAsync()
    {
        Task end = Task.CompletedTask;
        bool cancels;
        lock (sync)
        {
            cancels = outstanding > 0;
            if (cancels) end = (rest ??= new(TaskCreationOptions.RunContinuationsAsynchronously)).Task;
            else if (isDisposed) return;
            else isDisposed = true;
        }
        try
        {
            if (cancels) Cancel();
        }
        finally
        {
            await end.ConfigureAwait(Scheduler.IsSerial);
            lock (sync) isDisposed = true;
            registration.Unregister();
            if (outer is not null || cancellation.CanBeCanceled) stop.Dispose();
            GiveUpFailures();
        }
    }

    private void CancelAll()
    {
        List<ICall> all = [];
        lock (sync)
        {
            cancelling ??= new("The scope", new OperationCanceledException("The scope of the step was cancelled.", CancelledBy), isCancellation: true);
            for (ICall? call = newest; call is not null; call = call.Behind) all.Add(call);
        }
        all.Reverse();                               // in the order of the calls
        var released = new Released(here: null);
        List<Exception> problems = [];
        foreach (ICall call in all)
        {
            try
            {
                call.TryCancel(cancelling, ref released);
            }
            catch (AggregateException e)             // thrown by what a user has registered with a token
            {
                problems.AddRange(e.InnerExceptions);
            }
        }
        released.Spread();
        if (problems.Count > 0) throw new AggregateException(problems);
    }

    private CancellationToken CancelledBy => cancellation.IsCancellationRequested ? cancellation : new(canceled: true);

    /// <summary>A call is made in the scope.</summary>
    /// <returns>Why it ends at once; null if it does not.</returns>
    internal Failure? Enter(ICall call, StepDefinition definition, Type output, out CallRecord? record)
    {
        lock (sync)
        {
            if (isDisposed) throw new ObjectDisposedException(nameof(StepScope), $"{definition.Name} was called in a scope that is over. Call steps before the scope is disposed, or outside of it.");
            call.Behind = newest;
            if (newest is not null) newest.Before = call;
            newest = call;
            outstanding++;
            called++;
            record = options.RecordsGraph ? Record(definition, output) : null;
            return cancelling;
        }
    }

    /// <summary>A call has ended, and everybody was told.</summary>
    internal void OnEnded(ICall call, Failure? failure)
    {
        TaskCompletionSource? end = null;
        lock (sync)
        {
            if (call.Before is { } before) before.Behind = call.Behind;
            else newest = call.Behind;
            if (call.Behind is { } behind) behind.Before = call.Before;
            call.Before = call.Behind = null;
            if (failure is not null && failure.TryNote()) Keep(failure);
            if (--outstanding == 0) (end, rest) = (rest, null);
        }
        if (outstanding == 0 && options.OnUnobservedFailure is not null) TellFailures();
        end?.SetResult();
    }
}
