using Sluice.Diagnostics;

namespace Sluice.Delivery;

/// <summary>
/// When a consecutor is over: its tokens, the time that the store has to take everything back, and the texts that callers get afterwards.
/// </summary>
/// <remarks>
/// Thread-safe. Locking rule: when to give up is decided under <c>sync</c>; tokens are cancelled, and callers told, outside of it.
/// </remarks>
/// <param name="name">The name of the consecutor.</param>
/// <param name="options">Its options.</param>
/// <param name="drop">Drops everything: called by a timer, before <see cref="GivenUp"/> is cancelled. Throws nothing.</param>
internal sealed class ConsecutorLifetime(string name, ConsecutorOptions options, Action drop)
{
    private readonly Lock sync = new();
    private readonly CancellationTokenSource life = CancellationTokenSource.CreateLinkedTokenSource(CancellationToken.None);
    private readonly CancellationTokenSource givingUp = CancellationTokenSource.CreateLinkedTokenSource(CancellationToken.None);
    private ITimer? lastWait;                        // under the lock
    private volatile ObjectDisposedException? closedStore;
    private long givesUpAt = long.MaxValue;          // under the lock; a timestamp of the clock

    /// <summary>Cancelled when everything is dropped.</summary>
    public CancellationToken Token => life.Token;

    /// <summary>Cancelled when calls of the store are not waited for any more.</summary>
    public CancellationToken GivenUp => givingUp.Token;

    /// <summary>Why the consecutor has failed; null if it has not. Set once, before <see cref="Token"/> is cancelled.</summary>
    public Exception? Cause { get; set; }

    /// <summary>Whether the consecutor has ended or failed.</summary>
    public bool IsOver => life.IsCancellationRequested || Cause is not null;

    /// <summary>Called when something fails that is not about an item.</summary>
    public Action<Exception>? Failed { get; set; }

    /// <summary>The exception for senders after the end; without a store, also for those during a stop.</summary>
    public InvalidOperationException Over() => closedStore is { } closed ? StoreClosed(closed)
        : Cause is { } cause ? new($"The consecutor {name} has failed: nothing can be sent to it any more. What was not acknowledged may "
        + $"not have been accepted. The cause: {cause.Message}", cause)
        : life.IsCancellationRequested
            ? new($"The consecutor {name} has ended: nothing can be sent to it any more. What was not acknowledged may not have been "
            + $"accepted.")
        : new($"The consecutor {name} is being stopped, and has no store for further items: nothing can be sent to it any more.");

    /// <summary>The exception for a store that was disposed before the consecutor.</summary>
    public InvalidOperationException StoreClosed(ObjectDisposedException cause) => new(
        ClosedStore.Explain("consecutor", name, "A durable store keeps the accepted items for the next start.", cause), cause);

    /// <summary>Ends the consecutor if a call of the store failed because the store was disposed: no call will ever succeed.</summary>
    /// <returns>Whether the store was disposed.</returns>
    public bool EndIfClosed(Exception failure)
    {
        if (failure is not ObjectDisposedException closed) return false;
        closedStore ??= closed;
        Failed?.Invoke(StoreClosed(closed));
        return true;
    }

    /// <summary>Writes a warning: nothing fails because of it. Throws nothing.</summary>
    public void Warn(string text) => Warnings.Tell(options.OnWarning, text);

    /// <summary>Gives the store a time to answer, unless it has a shorter one already. Then everything is dropped.</summary>
    /// <returns>False if it has a shorter one.</returns>
    public bool GiveUpWithin(TimeSpan limit)
    {
        TimeProvider time = options.Run.Time;
        lock (sync)
        {
            long at = time.GetTimestamp() + (long)(limit.TotalSeconds * time.TimestampFrequency);
            if (at >= givesUpAt) return false;
            givesUpAt = at;
            lastWait ??= time.CreateTimer(static lifetime => ((ConsecutorLifetime)lifetime!).GiveUp(), this, Timeout.InfiniteTimeSpan,
                Timeout.InfiniteTimeSpan);
            lastWait.Change(limit, Timeout.InfiniteTimeSpan);
            return true;
        }
    }

    /// <summary>Cancels <see cref="Token"/>. Throws nothing.</summary>
    public void End() => Cancel(life);

    /// <summary>Cancels a token that sinks are given. Their callbacks run on the thread pool, because they may block. Throws nothing.
    /// </summary>
    public void Cancel(CancellationTokenSource source) => _ = CancelAsync(source);

    private async Task CancelAsync(CancellationTokenSource source)
    {
        try
        {
            await source.CancelAsync().ConfigureAwait(false);
        }
        catch (AggregateException e)
        {
            Warn($"The consecutor {name} has ended, and what a sink had registered with its CancellationToken has "
                + $"failed: {FailureText.MessageOf(e.InnerExceptions[0])}");
        }
    }

    /// <summary>The store is not called any more, so nothing has to be given up.</summary>
    public void StopWaiting()
    {
        lock (sync) lastWait?.Dispose();
    }

    // In this order: a caller whose call was given up finds that everything is over.
    private void GiveUp()
    {
        drop();
        givingUp.Cancel();
    }
}
