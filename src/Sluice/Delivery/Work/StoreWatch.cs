namespace Sluice;

/// <summary>Tells the pump when the store may have something for it: the stream has changed, or something is due.</summary>
/// <remarks>Used by the pump; wakes it from any thread.</remarks>
internal sealed class StoreWatch(ConsecutorCore core, Action wake, CancellationToken stop)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Instant = TimeSpan.FromMilliseconds(1);

    private Task<long>? change;
    private long changes = -1;
    private int losses;
    private ITimer? alarm;
    private volatile bool isDue;

    /// <summary>A timestamp: when <see cref="Look"/> was called.</summary>
    public long LookedAt { get; private set; }

    /// <summary>Whether something may have happened since <see cref="Look"/>.</summary>
    public bool HasNews => isDue || change is { IsCompletedSuccessfully: true };

    /// <summary>Before looking into the store: what changes from here on is news.</summary>
    public void Look()
    {
        isDue = false;
        LookedAt = core.Time.GetTimestamp();
        if (core.Losses.Count is var count && count != losses)
        {
            (losses, changes, change) = (count, -1, null);          // it counts anew
        }
        if (change is { IsCompleted: false }) return;
        if (change is { IsCompletedSuccessfully: true }) changes = change.Result;
        else if (change?.Exception is { InnerException: { } failure } && core.EndIfClosed(failure)) return;
        change = core.Store.WaitForChangeAsync(core.Name, changes, stop).AsTask();
        if (changes < 0 && change.IsCompletedSuccessfully)
        {
            changes = change.Result;                 // the first one only tells where we are
            change = core.Store.WaitForChangeAsync(core.Name, changes, stop).AsTask();
        }
        if (change.IsCompleted)
        {
            _ = change.Exception;                    // seen: there may be no next look
            return;
        }
        change.ContinueWith(static (done, state) =>
        {
            _ = done.Exception;
            ((Action)state!)();
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
            TimeSpan left = wait - core.Time.GetElapsedTime(LookedAt, now);
            if (left <= TimeSpan.Zero)
            {
                isDue = true;
                return;
            }
            alarm.Change(left, Timeout.InfiniteTimeSpan);
        }
        while (core.Time.GetElapsedTime(now) > Instant);
    }

    public void End() => alarm?.Dispose();

    private void OnAlarm()
    {
        isDue = true;
        wake();
    }
}
