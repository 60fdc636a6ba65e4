using Sluice.Diagnostics;

namespace Sluice.Delivery;

/// <summary>The unanswered sends of a consecutor: appends that have begun, and senders that wait for room.</summary>
/// <remarks>Thread-safe. It counts senders, not items: nothing is counted per item.</remarks>
internal sealed class PendingSends(string name, TimeProvider time, ItemLedger ledger, ItemsInFlight items)
{
    /// <summary>How long no item may end, while a sender waits for room, before that is a problem; a full stream alone is
    /// backpressure.</summary>
    private static readonly TimeSpan ReportDelay = TimeSpan.FromSeconds(1);

    private static readonly TimeSpan LongWait = TimeSpan.FromSeconds(5);

    /// <summary>The same once the consecutor has started: items may take long.</summary>
    public static readonly TimeSpan LongStandstill = TimeSpan.FromSeconds(30);

    private readonly Lock sync = new();
    private int appending;
    private int waiting;                             // this and below: under the lock
    private ITimer? longWait;
    private long since;
    private long ended;

    /// <summary>Whether an append has begun and is unanswered. Read it before the ledger: an append is counted there before it ends
    /// here.</summary>
    public bool IsAppending => Volatile.Read(ref appending) > 0;

    /// <summary>Whether a sender waits for room.</summary>
    public bool IsWaiting
    {
        get { lock (sync) return waiting > 0; }
    }

    /// <summary>Called when senders have waited for room for <see cref="WarnAfter"/>, again and again until it returns true or no sender
    /// waits any more. Called on any thread, outside of the lock.</summary>
    public Func<bool>? OnLongWait { get; set; }

    public TimeSpan WarnAfter { get; set; } = LongWait;

    public void BeginAppend() => Interlocked.Increment(ref appending);

    /// <summary>Ends an append, accepted or not.</summary>
    public void EndAppend()
    {
        if (Interlocked.Decrement(ref appending) == 0) ledger.Touch();
    }

    public void BeginWait()
    {
        lock (sync)
        {
            if (waiting++ == 0)
            {
                (since, ended) = (time.GetTimestamp(), items.Ended);
                if (OnLongWait is not null)
                    longWait = time.CreateTimer(static sends => ((PendingSends)sends!).TellOfLongWait(), this, WarnAfter, WarnAfter);
            }
        }
        ledger.Touch();
    }

    public void EndWait()
    {
        lock (sync)
            if (--waiting == 0) EndTimer();
    }

    private void TellOfLongWait()
    {
        if (OnLongWait?.Invoke() != false)
            lock (sync) EndTimer();
    }

    private void EndTimer()
    {
        longWait?.Dispose();
        longWait = null;
    }

    /// <summary>Returns the problem of the waiting senders, as a text for people; null while items still end.</summary>
    public string? Problem(ConsecutorStatus state)
    {
        lock (sync)
        {
            if (waiting == 0) return null;
            long now = items.Ended;
            if (now != ended) (since, ended) = (time.GetTimestamp(), now);
            if (time.GetElapsedTime(since) < ReportDelay) return null;
        }
        int inFlight = items.Count;
        string why = state switch
        {
            ConsecutorStatus.Created => "This process has not started the consecutor.",
            ConsecutorStatus.Paused => "The consecutor is paused.",
            _ when inFlight > 0
                => $"If it is a stage of {name} itself that sends, it waits for its own item to end: let it send to another consecutor, "
                + $"make what it sends in the pipeline "
                + "(a stage may make many items of one), or give the consecutor a new name and a larger stream: MaxItems and MaxBytes of "
                + "ConsecutorOptions.Stream count only when a stream is made.",
            _ => "None of it is in flight here.",
        };
        return $"Sends wait for room: the stream {name} is full, and none of the items in flight ({inFlight:N0}) has ended since. {why}";
    }
}
