using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

namespace Sluice;

/// <summary>
/// Owns the calls of steps that are made in it, also by the steps themselves: bounds how many run at a time, cancels them together, records the graph, can be awaited as a whole, and reports
/// failures that nobody awaited.
/// </summary>
/// <remarks>
/// <para>It is current from <see cref="Begin"/> until it is disposed, in the flow of execution that began it and in those that start from there, as <see cref="AsyncLocal{T}"/> is. A scope
/// inside another is cancelled with it, and its steps count in the limit of the other as well. Thread-safe.</para>
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
    private readonly CancellationTokenSource stop = new();      // has no timer and no parents, so that it need not be disposed of, and can be cancelled at any time
    private readonly CancellationTokenRegistration fromOutside;
    private readonly CancellationTokenRegistration fromOuter;
    private readonly LimitQueue? line;                     // of steps without a limit of their own
    private ConditionalWeakTable<ConcurrencyLimit, LimitQueue>? lines;
    private ICall? newest;
    private int outstanding;
    private TaskCompletionSource? rest;              // ends when nothing is outstanding; only what judges goes on in the thread that ends it
    private TaskCompletionSource? leaving;           // the same for who disposes of the scope; or when the grace is over
    private Failure? cancelling;
    private volatile bool isDisposed;

    private StepScope(int? maxConcurrency, StepScopeOptions options, CancellationToken cancellation)
    {
        outer = Current is { isDisposed: false } current ? current : null;     // code that was left behind by a scope that is over may begin another
        (this.options, this.cancellation) = (options, cancellation);
        began = options.Time.GetTimestamp();
        line = maxConcurrency is not { } count ? outer?.line : outer?.line is { } around ? new([new(count), .. around.Places]) : new ConcurrencyLimit(count).Alone;
        stop.Token.UnsafeRegister(static scope => ((StepScope)scope!).CancelAll(), this);
        fromOutside = cancellation.UnsafeRegister(static stop => ((CancellationTokenSource)stop!).Cancel(), stop);
        if (outer is not null) fromOuter = outer.stop.Token.UnsafeRegister(static stop => ((CancellationTokenSource)stop!).Cancel(), stop);
    }

    /// <summary>The scope in which a call would be made here; null outside of scopes.</summary>
    public static StepScope? Current => OfFlow.Value;

    internal RunScheduler Scheduler => options.Scheduler;

    internal TimeProvider Time => options.Time;

    internal bool ShowsArguments => options.ShowsArguments;

    /// <summary>Also when those who are cancelled have not all been told: steps may be told by something else first.</summary>
    internal bool IsCancelling => Volatile.Read(ref cancelling) is not null || cancellation.IsCancellationRequested || stop.IsCancellationRequested || outer is { IsCancelling: true };

    /// <summary>
    /// Ends when nothing is outstanding: neither what was called before, nor what that has called in its turn. Fails with the exceptions of those failures that nobody awaited; is cancelled
    /// if the scope was. A later call in the scope begins anew.
    /// </summary>
    /// <remarks>A step that awaits it, of a scope that it has begun itself for example, gives its places to others meanwhile. A step of this scope cannot: it would wait for itself.</remarks>
    public ScopeCompletion Completion => new(this, CompleteAsync());

    /// <summary>Begins a scope, which is then the current one.</summary>
    /// <param name="maxConcurrency">
    /// How many steps may run at a time, 1 or more, with those of scopes inside; null for any number, as far as a scope around has no limit. A step that awaits a future, or the end of a scope, does not
    /// count while it waits. One that its time limit has left behind counts until it has ended.
    /// </param>
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

    /// <summary>What a call needs to run; null for nothing.</summary>
    internal LimitQueue? LineOf(ConcurrencyLimit? ofStep)
    {
        if (ofStep is null || line is null) return line ?? ofStep?.Alone;
        ConditionalWeakTable<ConcurrencyLimit, LimitQueue> all = LazyInitializer.EnsureInitialized(ref lines);
        return all.TryGetValue(ofStep, out LimitQueue? known) ? known : all.GetValue(ofStep, step => new([step, .. line.Places]));
    }

    private Task CompleteAsync()
    {
        var end = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        TaskCompletionSource? waits = null;
        lock (sync)
        {
            if (outstanding > 0) waits = rest ??= new();
        }
        if (waits is null) Judge(end);
        // Here and now, by whoever ends the last call: only those who await it go on elsewhere.
        else waits.Task.ContinueWith(_ => Judge(end), CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        return end.Task;
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
        var released = new ReadyList(here: null);
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
        TaskCompletionSource? end = null, left = null;
        lock (sync)
        {
            if (call.Before is { } before) before.Behind = call.Behind;
            else newest = call.Behind;
            if (call.Behind is { } behind) behind.Before = call.Before;
            call.Before = call.Behind = null;
            if (failure is not null && failure.TryNote())
            {
                if (isDisposed && options.OnUnobservedFailure is null) failure.Watch();      // it was left behind
                else Keep(failure);
            }
            if (--outstanding == 0) (end, rest, left) = (rest, null, leaving);
        }
        if (outstanding == 0 && options.OnUnobservedFailure is not null) TellFailures();
        end?.SetResult();
        left?.TrySetResult();
    }
}
