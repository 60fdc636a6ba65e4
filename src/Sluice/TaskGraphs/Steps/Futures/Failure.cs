using System.Runtime.CompilerServices;
using System.Runtime.ExceptionServices;

namespace Sluice;

/// <summary>How a future has ended: well, or with a <see cref="Failure"/>.</summary>
internal class FutureOutcome
{
    public static FutureOutcome Success { get; } = new();
}

/// <summary>Why a future has no value. Shared by all futures that end with it, so that seeing it at one of them is enough. Thread-safe.</summary>
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

    /// <summary>The name of the step that failed first.</summary>
    public string Step { get; }

    public bool IsCancellation { get; }

    /// <summary>Earlier failures have smaller numbers.</summary>
    public long Number { get; }

    public Exception Exception => info.SourceException;

    /// <summary>Whether somebody has seen it, or will. Cancellations need not be seen.</summary>
    public bool IsObserved => isObserved || IsCancellation;

    /// <returns>True once: for whoever is to see to it that it is not overlooked.</returns>
    public bool TryNote() => !IsCancellation && Volatile.Read(ref isNoted) == 0 && Interlocked.Exchange(ref isNoted, 1) == 0;

    public void Observe()
    {
        isObserved = true;
        Interlocked.MemoryBarrier();
        _ = Volatile.Read(ref watch)?.Exception;
    }

    /// <summary>A task has its exception, and reports it if nobody sees it.</summary>
    public void HandOver() => isHandedOver = true;

    /// <summary>There is no scope that would report it: if nobody sees it, <see cref="TaskScheduler.UnobservedTaskException"/> does.</summary>
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

    /// <summary>Whether it is what somebody was told who has awaited something that was cancelled.</summary>
    public static bool IsOfCancelled(OperationCanceledException exception) => Cancellations.TryGetValue(exception, out _);

    /// <summary>The one that came first; null if none has.</summary>
    public static Failure? Earlier(Failure? one, Failure? other)
        => one is null || (other is not null && other.Number < one.Number) ? other : one;

    public static Failure Cancelled(string step, CancellationToken token)
        => new(step, new OperationCanceledException($"{step} was cancelled.", token), isCancellation: true);
}
