using Sluice.Policies;

namespace Sluice.Graphs;

/// <summary>
/// Owns the calls of steps that are made in it, also by its steps: limits concurrency, cancels them together, records their graph, and
/// reports failures that were not awaited.
/// </summary>
/// <remarks>
/// <para>
/// Current from <see cref="Begin"/> until it is disposed, in the flow of execution that began it and those that start from it, like an
/// <see cref="AsyncLocal{T}"/>. An inner scope is cancelled with the outer one, also when that is disposed, and its steps count in the
/// limit of the outer one. Thread-safe.
/// </para>
/// <para>Dispose it with <c>await using</c>: calls that have not ended are cancelled and awaited. Before that, await
/// <see cref="Completion"/> to let all calls end, and to see failures.</para>
/// </remarks>
public sealed partial class StepScope : IAsyncDisposable
{
    private static readonly AsyncLocal<StepScope?> OfFlow = new();

    // Locking rule: the lock guards the list of calls, records, failures and waits for the end. Calls are cancelled, and users told,
    // outside of it. Counts are interlocked.
    private readonly Lock sync = new();
    private readonly StepScope? outer;
    private readonly StepScopeOptions options;
    private readonly CancellationToken cancellation;
    // Without timer and parents, so it needs no disposal, and can be cancelled at any time.
    private readonly CancellationTokenSource stop = new();
    private readonly CancellationTokenRegistration fromOutside;
    private readonly CancellationTokenRegistration fromOuter;
    private readonly LimitQueue? line;                     // of steps without a limit of their own
    private ConditionalWeakTable<ConcurrencyLimit, LimitQueue>? lines;
    private Random? random;
    private ICall? newest;
    private int outstanding;
    private TaskCompletionSource? rest;              // ends when no call is outstanding; given out, and not ended
    private TaskCompletionSource? given;             // the last Completion, which later looks share; null after a later call
    private List<Failure>? ofGiven;                  // the failures with which it has ended
    private TaskCompletionSource? leaving;           // ends as rest does, or after the stop timeout; for DisposeAsync
    private Failure? cancelling;
    private volatile bool isDisposed;
    private int inner;                               // scopes inside of it that are neither disposed nor cancelled by it

    private StepScope(int? maxConcurrency, StepScopeOptions options, CancellationToken cancellation)
    {
        // A disposed scope may still be current: for code that it has abandoned, and if another async method has disposed it.
        for (StepScope? at = Current; at is not null && outer is null; at = at.outer)
            if (at.TryHold()) outer = at;
        (this.options, this.cancellation) = (options, cancellation);
        began = options.Time.GetTimestamp();
        line = maxConcurrency is not { } count ? outer?.line : outer?.line is { } around ? new([new(count), .. around.Places])
            : new ConcurrencyLimit(count).Alone;
        stop.Token.UnsafeRegister(static scope => ((StepScope)scope!).CancelAll(), this);
        fromOutside = cancellation.UnsafeRegister(static stop => ((CancellationTokenSource)stop!).Cancel(), stop);
        if (outer is not null) fromOuter = outer.stop.Token.UnsafeRegister(static stop => ((CancellationTokenSource)stop!).Cancel(), stop);
    }

    /// <summary>The scope in which a call made here would be; null outside of scopes.</summary>
    public static StepScope? Current => OfFlow.Value;

    internal RunScheduler Scheduler => options.Scheduler;

    internal TimeProvider Time => options.Time;

    /// <summary>The source of the jitter of retries.</summary>
    internal Random Random => options.Seed is { } seed
        ? LazyInitializer.EnsureInitialized(ref random, () => new LockedRandom(seed)) : Random.Shared;

    internal bool ShowsArguments => options.ShowsArguments;

    /// <summary>Whether it is cancelled, even if not all calls were told yet: a step may be told by another token first.</summary>
    internal bool IsCancelling => Volatile.Read(ref cancelling) is not null || cancellation.IsCancellationRequested
        || stop.IsCancellationRequested || outer is { IsCancelling: true };

    /// <summary>
    /// Ends when no call is outstanding: neither earlier calls, nor calls that those have made. A later call begins anew.
    /// </summary>
    /// <remarks>
    /// Fails with the exceptions of failures that were not awaited; cancelled if the scope was. Of more than 1,000 such failures it has the
    /// first 500 and some of the others; <see cref="TaskScheduler.UnobservedTaskException"/> reports the rest. A step that awaits
    /// the completion, for example of a scope that the step has begun, lends its concurrency permits. A step of this scope cannot await the
    /// completion, because it would wait for itself.
    /// </remarks>
    public ScopeCompletion Completion => new(this, CompleteAsync());

    /// <summary>Begins a scope, which becomes the current one.</summary>
    /// <remarks>Begin it where its steps are called. A scope that an <c>async</c> method begins is not current for the caller of that
    /// method, whose steps it neither limits nor awaits.</remarks>
    /// <param name="maxConcurrency">
    /// The largest number of concurrent steps, at least 1, including those of inner scopes; null for no limit except that of outer scopes.
    /// A step does not count while it awaits a future or the end of a scope. A step that its timeout has abandoned counts until it has
    /// ended.
    /// </param>
    /// <param name="cancellation">Cancels the scope.</param>
    /// <param name="options">The clock, the scheduler and the handlers; null for the defaults.</param>
    /// <returns>The scope; dispose it where it was begun.</returns>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="maxConcurrency"/> is less than 1.</exception>
    [SuppressMessage("Design", "CA1068:CancellationToken parameters must come last", Justification = "Options are rarer than tokens.")]
    public static StepScope Begin(int? maxConcurrency = null, CancellationToken cancellation = default, StepScopeOptions? options = null)
    {
        if (maxConcurrency is { } count) ArgumentOutOfRangeException.ThrowIfLessThan(count, 1, nameof(maxConcurrency));
        var scope = new StepScope(maxConcurrency, options ?? new(), cancellation);
        OfFlow.Value = scope;
        return scope;
    }

    /// <summary>
    /// Cancels the calls in the scope, and all later ones: steps that have not started never run, running ones are told by their tokens.
    /// </summary>
    /// <exception cref="AggregateException">A callback registered with the token of a running step has thrown; everything was cancelled
    /// nevertheless.</exception>
    public void Cancel() => stop.Cancel();

    /// <summary>The queue of the limits that a call needs; null for none.</summary>
    internal LimitQueue? LineOf(ConcurrencyLimit? ofStep)
    {
        if (ofStep is null || line is null) return line ?? ofStep?.Alone;
        ConditionalWeakTable<ConcurrencyLimit, LimitQueue> all = LazyInitializer.EnsureInitialized(ref lines);
        return all.TryGetValue(ofStep, out LimitQueue? known) ? known : all.GetValue(ofStep, step => new([step, .. line.Places]));
    }

    /// <summary>Notes that a scope begins inside of it.</summary>
    /// <returns>False if it is over.</returns>
    private bool TryHold()
    {
        lock (sync)
        {
            if (isDisposed) return false;
            Interlocked.Increment(ref inner);
            return true;
        }
    }

    private Task CompleteAsync()
    {
        // One task for all looks, because each failed task that is not observed reports its failures.
        TaskCompletionSource end;
        lock (sync)
        {
            if (outstanding > 0) return (rest ??= given = NewEnd()).Task;
            if (given is not null && (!given.Task.IsCompleted || (ofGiven is [_, ..] && ofGiven.SequenceEqual(Unseen()))))
                return given.Task;
            end = given = NewEnd();
        }
        Judge(end);
        return end.Task;

        static TaskCompletionSource NewEnd() => new(TaskCreationOptions.RunContinuationsAsynchronously);
    }

    private void CancelAll()
    {
        List<ICall> all = [];
        lock (sync)
        {
            if (isDisposed && outstanding == 0) return;          // only inner scopes are cancelled
            cancelling ??= new("The scope", new OperationCanceledException("The scope of the step was cancelled.", CancelledBy),
                isCancellation: true);
            for (ICall? call = newest; call is not null; call = call.Behind) all.Add(call);
        }
        all.Reverse();                               // in the order of the calls
        var released = new ReadyList(here: null);
        List<Exception> problems = [];
        foreach (ICall call in all)
        {
            try
            {
                call.TryCancel(cancelling, ref released);
            }
            catch (AggregateException e)             // thrown by callbacks that users have registered
            {
                problems.AddRange(e.InnerExceptions);
            }
        }
        released.Spread();
        if (problems.Count > 0) throw new AggregateException(problems);
    }

    private CancellationToken CancelledBy => cancellation.IsCancellationRequested ? cancellation : new(canceled: true);

    /// <summary>Adds a call.</summary>
    /// <returns>The cancellation with which the call ends at once; null for none.</returns>
    internal Failure? Enter(ICall call, StepDefinition definition, Type output, out CallRecord? record)
    {
        lock (sync)
        {
            if (isDisposed) throw new ObjectDisposedException(nameof(StepScope),
                $"{definition.Name} was called in a scope that is over. Call steps before the scope is disposed, or outside of it. A scope "
                    + "that another async method has disposed stays current here: dispose of it where it was begun.");
            call.Behind = newest;
            if (newest is not null) newest.Before = call;
            newest = call;
            outstanding++;
            called++;
            if (rest is null) given = null;
            record = options.RecordsGraph ? Record(definition, output) : null;
            return cancelling;
        }
    }

    /// <summary>Removes a call that has ended, after its dependents were told.</summary>
    internal void OnEnded(ICall call, Failure? failure)
    {
        TaskCompletionSource? end = null, left = null;
        List<Failure>? told = null;
        lock (sync)
        {
            if (call.Before is { } before) before.Behind = call.Behind;
            else newest = call.Behind;
            if (call.Behind is { } behind) behind.Before = call.Before;
            call.Before = call.Behind = null;
            if (failure is not null && failure.TryNote())
            {
                if (isDisposed && options.OnUnobservedFailure is null) failure.Watch();      // it was abandoned
                else told = Keep(failure);
            }
            told ??= TakeAtEnd();
            if (told is null && --outstanding == 0) (end, rest, left) = (rest, null, leaving);
        }
        while (told is not null)
        {
            TellFailures(told);                      // before the call counts as ended: the scope ends behind the handler
            lock (sync)
            {
                told = TakeAtEnd();
                if (told is null && --outstanding == 0) (end, rest, left) = (rest, null, leaving);
            }
        }
        if (end is not null) Judge(end);
        left?.TrySetResult();
    }
}
