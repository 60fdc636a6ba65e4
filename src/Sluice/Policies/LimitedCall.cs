using System.Threading.Tasks.Sources;

namespace Sluice.Policies;

/// <summary>
/// An attempt with a time limit: its token, and the awaitable result, which completes with the call or at the limit. One object for both,
/// because every attempt needs them.
/// </summary>
/// <remarks>
/// <para>
/// The limit cancels the token, and so does the outer token. After an outer cancellation the call is still awaited, because the canceller
/// wants to know which calls still run; at the limit it is abandoned.
/// </para>
/// <para>
/// Locking rule: no lock. The end of the call and the clock race to set <c>state</c> to <c>Decided</c>; the winner completes the result.
/// Never disposed: a source without a timer holds nothing, and the token of an abandoned call stays valid.
/// </para>
/// </remarks>
[SuppressMessage("Reliability", "CA1001:Types that own disposable fields should be disposable",
    Justification = "The timer is disposed of by whoever decides.")]
internal sealed class LimitedCall<T> : CancellationTokenSource, IValueTaskSource<T>
{
    private const int Calling = 0, LimitIsOver = 1, Waiting = 2, Decided = 3;

    private static readonly TimeSpan TimeToNotice = TimeSpan.FromSeconds(1);

    private readonly string? name;
    private readonly TimeSpan limit;
    private readonly CancellationToken outer;
    private ManualResetValueTaskSourceCore<T> source;
    private ConfiguredValueTaskAwaitable<T>.ConfiguredValueTaskAwaiter call;
    private CancellationTokenRegistration registration;
    private ITimer? timer;
    private AggregateException? broken;              // exceptions from callbacks registered with the token
    private int state;

    private LimitedCall(string? name, TimeSpan limit, CancellationToken outer)
        => (this.name, this.limit, this.outer) = (name, limit, outer);

    /// <summary>
    /// Starts the call. A value or an exception that comes after the limit counts as a timeout, also if the call has held the thread all
    /// the time.
    /// </summary>
    public static ValueTask<T> Start<TCall>(TCall call, int attempt, TimeSpan limit, TimeProvider time, bool staysInContext,
        CancellationToken outer)
        where TCall : IAttempted<T>
    {
        var limited = new LimitedCall<T>(call.Name, limit, outer);
        if (outer.CanBeCanceled) limited.registration = outer.UnsafeRegister(static source => ((CancellationTokenSource)source!).Cancel(),
            limited);
        long begun = time.GetTimestamp();
        limited.timer = time.CreateTimer(static source => ((LimitedCall<T>)source!).OnLimit(), limited, limit, Timeout.InfiniteTimeSpan);
        try
        {
            ValueTask<T> pending = call.CallAsync(attempt, limited.Token);
            if (!pending.IsCompleted) return limited.Await(pending, staysInContext);
            T result = pending.GetAwaiter().GetResult();
            limited.LetGo();
            if (!IsOver()) return new(result);
        }
        catch (Exception e)
        {
            limited.LetGo();
            if (IsOver()) throw limited.TookTooLong(e);
            throw;
        }
        throw limited.TookTooLong();

        // The timer may not have had a thread yet.
        bool IsOver() => !outer.IsCancellationRequested && (limited.IsCancellationRequested || time.GetElapsedTime(begun) >= limit);
    }

    private bool IsLate => IsCancellationRequested && !outer.IsCancellationRequested;

    private ValueTask<T> Await(ValueTask<T> pending, bool staysInContext)
    {
        call = pending.ConfigureAwait(staysInContext).GetAwaiter();
        if (Interlocked.CompareExchange(ref state, Waiting, Calling) != Calling) GiveUp();
        call.UnsafeOnCompleted(OnEnded);
        return new(this, source.Version);
    }

    /// <summary>
    /// Completes the attempt, once. For an abandoned call it only observes the exception, so that it is not reported as unobserved.
    /// </summary>
    private void OnEnded()
    {
        try
        {
            T result = call.GetResult();
            if (!TryDecide()) return;
            LetGo();
            if (IsLate) source.SetException(TookTooLong());
            else source.SetResult(result);
        }
        catch (Exception e)
        {
            if (!TryDecide()) return;
            LetGo();
            source.SetException(IsLate ? TookTooLong(e) : e);
        }
    }

    // A callback that user code has registered with the token may block this thread: then the timer comes a second time, and decides.
    private void OnLimit()
    {
        if (!IsCancellationRequested) timer?.Change(limit < TimeToNotice ? limit : TimeToNotice, Timeout.InfiniteTimeSpan);
        try
        {
            Cancel();
        }
        catch (AggregateException e)
        {
            broken = e;
        }
        if (Interlocked.CompareExchange(ref state, LimitIsOver, Calling) != Calling && TryDecide()) GiveUp();
    }

    private bool TryDecide() => Interlocked.CompareExchange(ref state, Decided, Waiting) == Waiting;

    private void GiveUp()
    {
        LetGo();
        source.SetException(outer.IsCancellationRequested ? new LeftBehindException(outer) : TookTooLong());
    }

    private void LetGo()
    {
        timer!.Dispose();
        registration.Unregister();
    }

    /// <param name="late">What the call has thrown after the limit. A client may report the cancellation by an exception of its
    /// own.</param>
    private TimeoutException TookTooLong(Exception? late = null)
    {
        if (late is OperationCanceledException) late = null;
        return new($"{name ?? "It"} took longer than {DurationText.Of(limit)}.",
            late is null || broken is null ? late ?? broken : new AggregateException(late, broken));
    }

    T IValueTaskSource<T>.GetResult(short token) => source.GetResult(token);

    ValueTaskSourceStatus IValueTaskSource<T>.GetStatus(short token) => source.GetStatus(token);

    void IValueTaskSource<T>.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags)
        => source.OnCompleted(continuation, state, token, flags);
}

/// <summary>A call that was cancelled and still runs at the end of its time limit.</summary>
internal sealed class LeftBehindException(CancellationToken cancellation)
    : OperationCanceledException("It has not stopped within its time limit.", cancellation);
