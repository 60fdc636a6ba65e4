namespace Sluice.Testing;

/// <summary>A timer of a <see cref="TestClock"/>. The clock's lock protects its schedule.</summary>
internal sealed class TestTimer(TestClock clock, TimerCallback callback, object? state, long number) : ITimer
{
    private static readonly TimeSpan Longest = TimeSpan.FromMilliseconds(uint.MaxValue - 1);

    // As in the framework, the callback sees the async-locals of the timer's creator.
    private readonly ExecutionContext? context = ExecutionContext.Capture();
    private TaskCompletionSource? idle;

    internal static IComparer<TestTimer> ByDueTime { get; } = Comparer<TestTimer>.Create(
        (a, b) => a.Due != b.Due ? a.Due.CompareTo(b.Due) : a.Number.CompareTo(b.Number));

    /// <summary>The due time in UTC ticks. Changes only while the timer is not in the clock's ordered set.</summary>
    internal long Due { get; set; }

    /// <summary>The period in ticks; 0 for a timer that fires once.</summary>
    internal long Period { get; private set; }

    /// <summary>The number of running callbacks: 0 or 1, because one thread at a time moves the clock.</summary>
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

    /// <summary>Disposes the timer, and completes when a running callback has returned.</summary>
    public ValueTask DisposeAsync()
    {
        Dispose();
        var running = clock.Locked(() => Running == 0 ? null : idle ??= new(TaskCreationOptions.RunContinuationsAsynchronously));
        return running is null ? ValueTask.CompletedTask : new(running.Task);
    }

    /// <summary>Calls the callback outside the clock's lock. The clock incremented <see cref="Running"/> when it took the timer.</summary>
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
