namespace Sluice;

// What is told, and what ends, when it is over. Locking rule: when to give up under `sync`; tokens are cancelled, and people told, outside of it.
internal sealed partial class ConsecutorCore
{
    private readonly CancellationTokenSource givingUp = CancellationTokenSource.CreateLinkedTokenSource(CancellationToken.None);
    private ITimer? lastWait;                        // under the lock
    private volatile ObjectDisposedException? closedStore; // what it said when somebody had disposed it
    private long givesUpAt = long.MaxValue;          // under the lock; a timestamp of the clock

    /// <summary>Cancelled when the store is not waited for any more.</summary>
    public CancellationToken GivenUp { get; }

    /// <summary>What those are told who send to it when it is over.</summary>
    public InvalidOperationException Over() => closedStore is { } closed ? StoreClosed(closed) : new($"The consecutor {Name} has ended: nothing can be sent to it any more. What was not acknowledged may not have been accepted.");

    /// <summary>What is told when somebody has disposed the store before the consecutor.</summary>
    public InvalidOperationException StoreClosed(ObjectDisposedException cause) => new(
        $"The store of the consecutor {Name} was disposed while the consecutor was at work, which is over with that. What was accepted is in the store, as far as a store keeps it. "
        + "Stop or dispose the consecutor first, then its store.", cause);

    /// <summary>A call of the store has failed: if the store was disposed, no call will ever succeed.</summary>
    /// <returns>Whether it was.</returns>
    public bool EndIfClosed(Exception failure)
    {
        if (failure is not ObjectDisposedException closed) return false;
        closedStore ??= closed;
        Failed?.Invoke(StoreClosed(closed));
        return true;
    }

    /// <summary>Tells people what they should know and nothing fails of. Throws nothing.</summary>
    public void Warn(string text) => Warnings.Tell(Options.OnWarning, text);

    /// <summary>The store has so long to answer; less if it was told so before. Then everything is dropped.</summary>
    public void GiveUpWithin(TimeSpan limit)
    {
        lock (sync)
        {
            long at = Time.GetTimestamp() + (long)(limit.TotalSeconds * Time.TimestampFrequency);
            if (at >= givesUpAt) return;
            givesUpAt = at;
            lastWait ??= Time.CreateTimer(static core => ((ConsecutorCore)core!).GiveUp(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
            lastWait.Change(limit, Timeout.InfiniteTimeSpan);
        }
    }

    // By a timer. In this order: whoever is told that its call was given up finds that everything is over.
    private void GiveUp()
    {
        Drop();
        givingUp.Cancel();
    }

    /// <summary>Everything is dropped: whatever waits gives up. Throws nothing: also called by a timer.</summary>
    public void Drop()
    {
        IsLeasing = false;
        try
        {
            life.Cancel();
        }
        catch (AggregateException e)
        {
            Warn($"The consecutor {Name} has ended, and what a sink had registered with its CancellationToken has failed: {e.InnerExceptions[0].Message}");
        }
        foreach (OwnedPartition partition in owned) partition.Scope?.Retire();
        Alone.Leave();
        ToCommit.Set();
        Quiet.Set();
    }

    /// <summary>The store is not called any more.</summary>
    public void StopWaiting()
    {
        lock (sync) lastWait?.Dispose();
    }
}
