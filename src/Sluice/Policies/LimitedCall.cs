using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Threading.Tasks.Sources;

namespace Sluice;

/// <summary>An attempt with a time limit: its token, and what is awaited, which ends when the call does or when the limit is over. One object for all of that, as there is one for every attempt.</summary>
/// <remarks>
/// <para>
/// The token is cancelled by the limit, and from outside. From outside means: stop. The call is waited for all the same, as whoever has cancelled wants to know what still
/// runs; the limit lets go of it, as it always does.
/// </para>
/// <para>
/// Locking rule: none. Whoever brings <c>state</c> to <c>Decided</c>, the end of the call or the clock, tells who awaits it; the other does nothing.
/// Never disposed of: there is nothing to dispose of in a source without a timer, and the token of a call that was left behind stays good.
/// </para>
/// </remarks>
[SuppressMessage("Reliability", "CA1001:Types that own disposable fields should be disposable", Justification = "The timer is disposed of by whoever decides.")]
internal sealed class LimitedCall<T> : CancellationTokenSource, IValueTaskSource<T>
{
    private const int Calling = 0, LimitIsOver = 1, Waiting = 2, Decided = 3;

    private readonly string? name;
    private readonly TimeSpan limit;
    private readonly CancellationToken outer;
    private ManualResetValueTaskSourceCore<T> source;
    private ConfiguredValueTaskAwaitable<T>.ConfiguredValueTaskAwaiter call;
    private CancellationTokenRegistration registration;
    private ITimer? timer;
    private AggregateException? broken;              // what somebody has thrown who had registered with the token
    private int state;

    private LimitedCall(string? name, TimeSpan limit, CancellationToken outer) => (this.name, this.limit, this.outer) = (name, limit, outer);

    /// <summary>Makes the call. What ends before this returns has not taken too long, however long it held the thread.</summary>
    public static ValueTask<T> Start<TCall>(TCall call, int attempt, TimeSpan limit, TimeProvider time, bool staysInContext, CancellationToken outer)
        where TCall : IAttempted<T>
    {
        var limited = new LimitedCall<T>(call.Name, limit, outer);
        if (outer.CanBeCanceled) limited.registration = outer.UnsafeRegister(static source => ((CancellationTokenSource)source!).Cancel(), limited);
        limited.timer = time.CreateTimer(static source => ((LimitedCall<T>)source!).OnLimit(), limited, limit, Timeout.InfiniteTimeSpan);
        try
        {
            ValueTask<T> pending = call.CallAsync(attempt, limited.Token);
            if (!pending.IsCompleted) return limited.Await(pending, staysInContext);
            T result = pending.GetAwaiter().GetResult();
            limited.LetGo();
            return new(result);
        }
        catch (Exception e)
        {
            limited.LetGo();
            if (limited.Explain(e) is { } better) throw better;
            throw;
        }
    }

    private ValueTask<T> Await(ValueTask<T> pending, bool staysInContext)
    {
        call = pending.ConfigureAwait(staysInContext).GetAwaiter();
        if (Interlocked.CompareExchange(ref state, Waiting, Calling) != Calling) GiveUp();
        call.UnsafeOnCompleted(OnEnded);
        return new(this, source.Version);
    }

    /// <summary>Called once. Also when it was left behind: then nobody waits any more, and what it throws is not to be taken for a failure that was overlooked.</summary>
    private void OnEnded()
    {
        try
        {
            T result = call.GetResult();
            if (!TryDecide()) return;
            LetGo();
            source.SetResult(result);
        }
        catch (Exception e)
        {
            if (!TryDecide()) return;
            LetGo();
            source.SetException(Explain(e) ?? e);
        }
    }

    private void OnLimit()
    {
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

    /// <summary>What has ended because of its token.</summary>
    private TimeoutException? Explain(Exception exception)
        => exception is OperationCanceledException && IsCancellationRequested && !outer.IsCancellationRequested ? TookTooLong() : null;

    private TimeoutException TookTooLong() => new($"{name ?? "It"} took longer than {limit:g}.", broken);

    T IValueTaskSource<T>.GetResult(short token) => source.GetResult(token);

    ValueTaskSourceStatus IValueTaskSource<T>.GetStatus(short token) => source.GetStatus(token);

    void IValueTaskSource<T>.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags)
        => source.OnCompleted(continuation, state, token, flags);
}

/// <summary>A call that was to stop, has not done so until its time limit was over, and is still running.</summary>
internal sealed class LeftBehindException(CancellationToken cancellation) : OperationCanceledException("It has not stopped within its time limit.", cancellation);
