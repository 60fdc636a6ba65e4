using System.Diagnostics;
using Sluice.Diagnostics;

namespace Sluice.Delivery;

/// <summary>The entries that one call has added to an append, so that the call can withdraw them, and the append can refuse them when the
/// call has no more time.</summary>
/// <remarks>The caller withdraws on any thread. The position is under the lock of the appender; then its appending loop owns
/// it.</remarks>
internal sealed class SendHandle
{
    private readonly TaskCompletionSource? ended;    // of a call with a time limit: it may end before its append
    private volatile AppendBatch? append;
    private volatile bool isWithdrawn;
    private bool isLate;                             // of the appender's loop
    private volatile bool isAccepted;
    private volatile int accepted;

    public SendHandle()
    {
    }

    /// <summary>Makes the handle of a call with a time limit.</summary>
    /// <param name="until">The time until which the call waits for room, as a timestamp of the clock.</param>
    public SendHandle(long until) => (Until, ended) = (until, new(TaskCreationOptions.RunContinuationsAsynchronously));

    /// <summary>The time until which the call waits for room, as a timestamp of the clock.</summary>
    public long Until { get; } = long.MaxValue;

    /// <summary>Whether the entries are not to be accepted any more.</summary>
    public bool IsWithdrawn => isWithdrawn;

    /// <summary>The index of the first entry in its append.</summary>
    public int First { get; set; }

    /// <summary>The number of entries that are not accepted yet.</summary>
    public int Count { get; private set; }

    /// <summary>The number of entries that are accepted, before the append has ended as a whole.</summary>
    public int Accepted => accepted;

    /// <summary>Whether all entries are accepted, before the append has ended as a whole.</summary>
    public bool IsAccepted { get => isAccepted; private set => isAccepted = value; }

    /// <summary>The span of a call with a time limit; null if none is recorded.</summary>
    public Activity? Span { get; set; }

    /// <summary>Makes a handle if the token can be cancelled.</summary>
    public static SendHandle? For(CancellationToken cancellation) => cancellation.CanBeCanceled ? new() : null;

    /// <summary>Notes where the entries are.</summary>
    public void Place(AppendBatch to, int first, int count) => (append, First, Count) = (to, first, count);

    /// <summary>Withdraws the entries. If the store is being asked to accept them, or has left a call unanswered, it may accept them
    /// nevertheless.</summary>
    public void Withdraw()
    {
        isWithdrawn = true;
        append?.Wake();
    }

    /// <summary>Withdraws the entries because the time of the call is over, for the appender itself, which then refuses the call.</summary>
    public void LeaveOut() => isLate = isWithdrawn = true;

    /// <summary>Takes the span of a call that has withdrawn its entries itself; null if there is none.</summary>
    public Activity? TakeSpanOfWithdrawn()
    {
        if (isLate || Span is not { } span) return null;
        Span = null;
        return span;
    }

    /// <summary>Notes that the first entries of the append are accepted.</summary>
    /// <param name="count">Their number.</param>
    public void Accept(int count)
    {
        int own = Math.Clamp(count - First, 0, Count);
        (First, Count, accepted) = (Math.Max(0, First - count), Count - own, accepted + own);
        if (Count > 0) return;
        IsAccepted = true;
        End(null);
    }

    /// <summary>Tells the call that the stream was full until its time was over. The entries must have been left out.</summary>
    public void Refuse(TimeSpan? retryAfter)
    {
        if (Span is not null) Telemetry.Fail(Span, ConsecutorTelemetry.Full, null);
        End(new NoRoomException { RetryAfter = retryAfter }, null);
    }

    /// <summary>Tells a call with a time limit how its append has ended.</summary>
    public void End(Exception? failure) => End(failure, failure);

    private void End(Exception? failure, Exception? ofSpan)
    {
        if (Span is not null) Telemetry.End(Span, ofSpan);
        Span = null;
        if (failure is null) ended?.TrySetResult();
        else if (ended?.TrySetException(failure) == true) _ = ended.Task.Exception;
    }

    /// <summary>Waits for the append, or for the end of a call with a time limit. If the token is cancelled, the entries are
    /// withdrawn.</summary>
    public async Task WaitAsync(Task done, CancellationToken cancellation)
    {
        try
        {
            await (ended?.Task ?? done).WaitAsync(cancellation).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            if (isAccepted) return;
            Withdraw();
            throw;
        }
    }
}
