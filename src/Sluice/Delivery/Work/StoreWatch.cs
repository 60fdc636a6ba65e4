namespace Sluice;

/// <summary>Tells the pump when the store may have something for it: there may be entries in a partition of this member's, or something is due.</summary>
/// <remarks>Used by the pump; wakes it from any thread.</remarks>
internal sealed class StoreWatch(ConsecutorCore core, Action wake, CancellationToken stop)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Instant = TimeSpan.FromMilliseconds(1);

    private Task<long>? change;
    private OwnedPartition[] watched = [];           // whose entries it waits for
    private CancellationTokenSource? watching;
    private long changes = -1;
    private int losses;
    private long lookedAt;
    private ITimer? alarm;
    private volatile bool isDue;

    /// <summary>Whether something may have happened since <see cref="Look"/>.</summary>
    public bool HasNews => isDue || change is { IsCompletedSuccessfully: true };

    /// <summary>Before looking into the store: what changes from here on is news.</summary>
    public void Look()
    {
        isDue = false;
        lookedAt = core.Time.GetTimestamp();
        if (core.Losses.Count is var count && count != losses)
        {
            (losses, changes, change) = (count, -1, null);          // it counts anew
        }
        OwnedPartition[] owned = core.Owned;
        if (change is { IsCompleted: false })
        {
            if (owned == watched) return;
            watching!.Cancel();                      // what it has now may have changed since the last look
            change = null;
        }
        if (change is { IsCompletedSuccessfully: true }) changes = change.Result;
        else if (change?.Exception is { InnerException: { } failure } && core.EndIfClosed(failure)) return;
        watched = owned;
        int[] partitions = Array.ConvertAll(owned, static partition => partition.Number);
        watching?.Dispose();
        watching = CancellationTokenSource.CreateLinkedTokenSource(stop);
        change = core.Store.WaitForEntriesAsync(core.Name, partitions, changes, watching.Token).AsTask();
        if (changes < 0 && change.IsCompletedSuccessfully)
        {
            changes = change.Result;                 // the first one only tells where we are
            change = core.Store.WaitForEntriesAsync(core.Name, partitions, changes, watching.Token).AsTask();
        }
        if (change.IsCompleted)
        {
            _ = change.Exception;                    // seen: there may be no next look
            return;
        }
        change.ContinueWith(static (done, state) =>
        {
            _ = done.Exception;
            if (!done.IsCanceled) ((Action)state!)();
        }, wake, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
    }

    /// <summary>Wakes when a time has passed since <see cref="Look"/>, if nothing does before.</summary>
    public void Arm(TimeSpan? after)
    {
        if (change is { IsFaulted: true }) after = after < Patience ? after : Patience;          // the store does not say: ask again
        if (after is not { } wait)
        {
            alarm?.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
            return;
        }
        if (wait > Waits.Longest) wait = Waits.Longest;              // earlier costs one look
        alarm ??= core.Time.CreateTimer(static watch => ((StoreWatch)watch!).OnAlarm(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);

        // What the store said is as old as the look into it. The clock may go on in between: a clock that a test moves goes far at once.
        long now;
        do
        {
            now = core.Time.GetTimestamp();
            TimeSpan left = wait - core.Time.GetElapsedTime(lookedAt, now);
            if (left <= TimeSpan.Zero)
            {
                isDue = true;
                return;
            }
            alarm.Change(left < Instant ? Instant : left, Timeout.InfiniteTimeSpan);
        }
        while (core.Time.GetElapsedTime(now) > Instant);
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
