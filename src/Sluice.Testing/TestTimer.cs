namespace Sluice.Testing;

/// <summary>A timer of a <see cref="TestClock"/>. Its schedule is guarded by the clock's lock.</summary>
internal sealed class TestTimer(TestClock clock, TimerCallback callback, object? state, long number) : ITimer
{
    private static readonly TimeSpan Longest = TimeSpan.FromMilliseconds(uint.MaxValue - 1);

    // Like the framework's timers: the callback sees the async-locals of whoever made the timer.
    private readonly ExecutionContext? context = ExecutionContext.Capture();
    private TaskCompletionSource? idle;

    internal static IComparer<TestTimer> ByDueTime { get; } = Comparer<TestTimer>.Create(
        (a, b) => a.Due != b.Due ? a.Due.CompareTo(b.Due) : a.Number.CompareTo(b.Number));

    /// <summary>UTC ticks. Changed only while the timer is not in the clock's ordered set.</summary>
    internal long Due { get; set; }

    /// <summary>Ticks; 0 for a timer that fires once.</summary>
    internal long Period { get; private set; }

    /// <summary>How many calls of the callback are under way: 0 or 1, as one thread at a time moves the clock.</summary>
    internal int Running { get; set; }

    internal bool IsDisposed { get; private set; }

    private long Number { get; } = number;

    public bool Change(TimeSpan dueTime, TimeSpan period)
    {
        Check(dueTime, nameof(dueTime));
        Check(period, nameof(period));
        return clock.Reschedule(this, now =>
        {
            Period = Math.Max(period.Ticks, 0);
            return dueTime == Timeout.InfiniteTimeSpan ? null : now + dueTime.Ticks;
        });
    }

    public void Dispose() => clock.Reschedule(this, _ =>
    {
        IsDisposed = true;
        return null;
    });

    /// <summary>Disposes, and ends when a callback that is running has returned.</summary>
    public ValueTask DisposeAsync()
    {
        Dispose();
        var running = clock.Locked(() => Running == 0 ? null : idle ??= new(TaskCreationOptions.RunContinuationsAsynchronously));
        return running is null ? ValueTask.CompletedTask : new(running.Task);
    }

    /// <summary>Calls the callback, outside the clock's lock. <see cref="Running"/> was counted up when the timer was taken.</summary>
    internal void Fire()
    {
        try
        {
            if (context is null) callback(state);
            else ExecutionContext.Run(context, static timer => ((TestTimer)timer!).Call(), this);
        }
        finally
        {
            clock.Locked(() => --Running == 0 ? idle : null)?.TrySetResult();
        }
    }

    private void Call() => callback(state);

    private static void Check(TimeSpan value, string name)
    {
        if (value == Timeout.InfiniteTimeSpan) return;
        ArgumentOutOfRangeException.ThrowIfLessThan(value, TimeSpan.Zero, name);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(value, Longest, name);
    }
}
