using System.Runtime.ExceptionServices;

namespace Sluice.Graphs;

/// <summary>The outcome of a future: success, or a <see cref="Failure"/>.</summary>
internal class FutureOutcome
{
    public static FutureOutcome Success { get; } = new();
}

/// <summary>Why a future has no value. All futures that end with it share it, so observing one observes all. Thread-safe.</summary>
internal sealed class Failure : FutureOutcome
{
    private static readonly ConditionalWeakTable<Exception, Failure> Cancellations = [];
    private static long count;

    private readonly ExceptionDispatchInfo info;
    private Task? watch;
    private volatile bool isObserved;
    private volatile bool isHandedOver;
    private int isNoted;

    public Failure(string step, Exception exception, bool isCancellation)
    {
        (Step, IsCancellation) = (step, isCancellation);
        info = ExceptionDispatchInfo.Capture(exception);
        Number = Interlocked.Increment(ref count);
    }

    /// <summary>The step that failed first.</summary>
    public string Step { get; }

    public bool IsCancellation { get; }

    /// <summary>The number of the failure; earlier ones have smaller numbers.</summary>
    public long Number { get; }

    public Exception Exception => info.SourceException;

    /// <summary>Whether it was observed. Cancellations always count as observed.</summary>
    public bool IsObserved => isObserved || IsCancellation;

    /// <returns>True once: to the caller that must report the failure if it stays unobserved.</returns>
    public bool TryNote() => !IsCancellation && Volatile.Read(ref isNoted) == 0 && Interlocked.Exchange(ref isNoted, 1) == 0;

    public void Observe()
    {
        isObserved = true;
        Interlocked.MemoryBarrier();
        _ = Volatile.Read(ref watch)?.Exception;
    }

    /// <summary>Notes that a task has the exception, and reports it if it stays unobserved.</summary>
    public void HandOver() => isHandedOver = true;

    /// <summary>
    /// Reports it by <see cref="TaskScheduler.UnobservedTaskException"/> if it stays unobserved; for failures outside of scopes.
    /// </summary>
    public void Watch()
    {
        if (IsObserved || isHandedOver) return;
        Volatile.Write(ref watch, Task.FromException(Exception));
        Interlocked.MemoryBarrier();
        if (isObserved) _ = watch!.Exception;
    }

    public void Throw()
    {
        if (IsCancellation) Cancellations.AddOrUpdate(Exception, this);
        Observe();
        info.Throw();
    }

    /// <summary>Whether an awaiter of a cancelled future has thrown this exception.</summary>
    public static bool IsOfCancelled(OperationCanceledException exception) => Cancellations.TryGetValue(exception, out _);

    /// <summary>The earlier of two failures; null if there is none.</summary>
    public static Failure? Earlier(Failure? one, Failure? other)
        => one is null || (other is not null && other.Number < one.Number) ? other : one;

    public static Failure Cancelled(string step, CancellationToken token)
        => new(step, new OperationCanceledException($"{step} was cancelled.", token), isCancellation: true);
}
