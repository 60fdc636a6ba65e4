using System.Diagnostics;
using System.Runtime.ExceptionServices;

namespace Sluice.Graphs;

/// <summary>The outcome of a future: success, or a <see cref="Failure"/>.</summary>
internal class FutureOutcome
{
    public static FutureOutcome Success { get; } = new();
}

/// <summary>Why a future has no value. All futures that end with it share it, so observing one observes all. Thread-safe.</summary>
/// <remarks>
/// A body that awaits a failed future and does not catch makes a failure of its own, with the same exception. Each such throw copies the
/// stack trace and adds to it, so a failure that travels through n bodies would cost n². Therefore the trace grows only through the first
/// <see cref="MaxTraced"/> bodies; from there on, each body throws with the trace of that one.
/// </remarks>
internal sealed class Failure : FutureOutcome
{
    private const int MaxTraced = 32;

    private static readonly ConditionalWeakTable<Exception, Failure> Cancellations = [];
    private static readonly ConditionalWeakTable<Exception, Thrown> Latest = [];      // where awaits of bodies have thrown last
    private static long count;

    private readonly ExceptionDispatchInfo info;
    private readonly int bodies;                     // through which the exception has travelled
    private Task? watch;
    private volatile bool isObserved;
    private volatile bool isHandedOver;
    private int isNoted;

    /// <param name="step">The step that failed first.</param>
    /// <param name="exception">Why.</param>
    /// <param name="isCancellation">Whether it was cancelled.</param>
    /// <param name="body">The call whose body has failed; null if none has.</param>
    public Failure(string step, Exception exception, bool isCancellation, ICall? body = null)
    {
        (Step, IsCancellation) = (step, isCancellation);
        Failure? awaited = body is not null && Latest.TryGetValue(exception, out Thrown? thrown) && ReferenceEquals(thrown.Body, body)
            ? thrown.Failure : null;
        if (awaited is not null) bodies = awaited.bodies + 1;
        info = bodies <= MaxTraced ? ExceptionDispatchInfo.Capture(exception) : awaited!.info;
        Number = Interlocked.Increment(ref count);
        Origin = isCancellation && exception is OperationCanceledException cancelled && OfCancelled(cancelled) is { } first ? first.Origin
            : Number;
    }

    /// <summary>The step that failed first.</summary>
    public string Step { get; }

    public bool IsCancellation { get; }

    /// <summary>The number of the failure; earlier ones have smaller numbers.</summary>
    public long Number { get; }

    /// <summary>The number of the failure that a cancellation comes from; its own if it comes from none.</summary>
    public long Origin { get; }

    public Exception Exception => info.SourceException;

    /// <summary>Whether it was observed. Cancellations always count as observed.</summary>
    public bool IsObserved => isObserved || IsCancellation;

    /// <returns>True once: to the caller that must report the failure if it stays unobserved.</returns>
    public bool TryNote() => !IsCancellation && Volatile.Read(ref isNoted) == 0 && Interlocked.Exchange(ref isNoted, 1) == 0;

    public void Observe()
    {
        isObserved = true;
        EndWatch();
    }

    /// <summary>Notes that a task has the exception, and reports it if it stays unobserved.</summary>
    public void HandOver()
    {
        isHandedOver = true;
        EndWatch();
    }

    /// <summary>
    /// Reports it by <see cref="TaskScheduler.UnobservedTaskException"/> if it stays unobserved; for failures outside of scopes.
    /// </summary>
    public void Watch()
    {
        if (IsObserved || isHandedOver || Volatile.Read(ref watch) is not null) return;
        Task made = Task.FromException(Exception);
        if (Interlocked.CompareExchange(ref watch, made, null) is not null || isObserved || isHandedOver) _ = made.Exception;
    }

    [StackTraceHidden]
    public void Throw()
    {
        if (IsCancellation) Cancellations.AddOrUpdate(Exception, this);
        if (CurrentCall.Body?.Call is { } body) Latest.AddOrUpdate(Exception, new(this, body));
        Observe();
        info.Throw();
    }

    /// <summary>The number of the last failure.</summary>
    public static long Count => Volatile.Read(ref count);

    /// <summary>The failure of the cancelled future whose awaiter has thrown an exception; null if there is none.</summary>
    public static Failure? OfCancelled(OperationCanceledException exception)
        => Cancellations.TryGetValue(exception, out Failure? failure) ? failure : null;

    /// <summary>The earlier of two failures; null if there is none.</summary>
    public static Failure? Earlier(Failure? one, Failure? other)
        => one is null || (other is not null && other.Number < one.Number) ? other : one;

    public static Failure Cancelled(string step, CancellationToken token)
        => new(step, new OperationCanceledException($"{step} was cancelled.", token), isCancellation: true);

    private void EndWatch()
    {
        Interlocked.MemoryBarrier();
        _ = Volatile.Read(ref watch)?.Exception;
    }

    /// <summary>A throw of an await in a body. Other bodies may fail with the same exception by other ways, and have traces of their own.
    /// </summary>
    private sealed record Thrown(Failure Failure, ICall Body);
}
