namespace Sluice.Delivery;

/// <summary>Wakes the pump when the store may have entries for it: a partition of this member has changed, or an entry is due.</summary>
/// <remarks>Used by the pump; it wakes the pump from any thread.</remarks>
internal sealed class StoreWatch(
    ConsecutorIdentity identity, IStreamStore store, OwnedPartitions partitions, IStoreLosses losses, ConsecutorLifetime lifetime,
        Action wake, CancellationToken stop)
{
    private static readonly TimeSpan RetryInterval = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan MaxWait = TimeSpan.FromMinutes(1);          // timers stand still while a machine sleeps
    private static readonly TimeSpan Instant = TimeSpan.FromMilliseconds(1);

    private Task<long>? change;
    private OwnedPartition[] watched = [];           // the partitions whose entries it waits for
    private CancellationTokenSource? watching;
    private long changes = -1;
    private int seen;                                // how many losses were known at the last look
    private long lookedAt;
    private long askedAt;                            // for the change
    private bool isRetrySet;                         // the wait for the change has failed, and the alarm asks again
    private ITimer? alarm;
    private volatile bool isDue;

    /// <summary>Whether the store may have changed since <see cref="Look"/>, or has to be asked again. Called after <see cref="Arm"/>, before
    /// the pump sleeps: what came before would not wake it.</summary>
    public bool HasNews => isDue || change is { IsCompletedSuccessfully: true } || (change is { IsFaulted: true } && !isRetrySet);

    /// <summary>Notes the present state of the store. Called before the pump asks the store; later changes are news.</summary>
    public void Look()
    {
        isDue = false;
        lookedAt = identity.Time.GetTimestamp();
        if (losses.Count is var count && count != seen)
        {
            (seen, changes, change) = (count, -1, null);          // the store counts its changes anew
        }
        OwnedPartition[] owned = partitions.Owned;
        if (change is { IsCompleted: false })
        {
            if (owned == watched) return;
            watching!.Cancel();                      // its new partitions may have changed since the last look
            change = null;
        }
        if (change is { IsCompletedSuccessfully: true }) changes = change.Result;
        else if (change?.Exception is { InnerException: { } failure })
        {
            if (lifetime.EndIfClosed(failure)) return;
            // A wait that fails at once each time would be asked for without a pause.
            if (owned == watched && identity.Time.GetElapsedTime(askedAt) < RetryInterval) return;
        }
        (watched, askedAt) = (owned, lookedAt);
        int[] numbers = Array.ConvertAll(owned, static partition => partition.Number);
        watching?.Dispose();
        watching = CancellationTokenSource.CreateLinkedTokenSource(stop);
        change = store.WaitForEntriesAsync(identity.Name, numbers, changes, watching.Token).AsTask();
        if (changes < 0 && change.IsCompletedSuccessfully)
        {
            changes = change.Result;                 // the first answer only returns the present position
            change = store.WaitForEntriesAsync(identity.Name, numbers, changes, watching.Token).AsTask();
        }
        if (change.IsCompleted)
        {
            _ = change.Exception;                    // seen: there may be no next look
            return;
        }
        _ = change.ContinueWith(static (done, state) =>
        {
            _ = done.Exception;
            if (!done.IsCanceled) ((Action)state!)();
        }, wake, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
    }

    /// <summary>Wakes the pump after a time since <see cref="Look"/>, unless news comes before.</summary>
    public void Arm(TimeSpan? after)
    {
        isRetrySet = change is { IsFaulted: true };
        if (isRetrySet) after = after < RetryInterval ? after : RetryInterval;         // the store does not say: ask again
        if (after is not { } wait)
        {
            alarm?.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
            return;
        }
        if (wait > MaxWait) wait = MaxWait;          // earlier costs one look
        alarm ??= identity.Time.CreateTimer(static watch => ((StoreWatch)watch!).OnAlarm(), this, Timeout.InfiniteTimeSpan,
            Timeout.InfiniteTimeSpan);

        // The answer of the store is as old as the look. The clock may advance in between; a clock that a test moves jumps far.
        long now;
        do
        {
            now = identity.Time.GetTimestamp();
            TimeSpan left = wait - identity.Time.GetElapsedTime(lookedAt, now);
            if (left <= TimeSpan.Zero)
            {
                isDue = true;
                return;
            }
            alarm.Change(left < Instant ? Instant : left, Timeout.InfiniteTimeSpan);
        }
        while (identity.Time.GetElapsedTime(now) > Instant);
    }

    public void End()
    {
        alarm?.Dispose();
        watching?.Cancel();
        watching?.Dispose();
    }

    private void OnAlarm()
    {
        isDue = true;
        wake();
    }
}
