namespace Sluice.Testing;

/// <summary>
/// A clock that stands still until a test moves it. Timers, and everything made of them (<see cref="Task.Delay(TimeSpan, TimeProvider)"/>,
/// timeouts, <see cref="PeriodicTimer"/>), fire during the move, each at its own due time, in a fixed order.
/// </summary>
/// <remarks>
/// <para>
/// Timers fire in order of their due times, then of their creation. Their callbacks run on the thread that moves the time, one after the
/// other, and may create, change and dispose timers. A timer that becomes due within the move fires in it. A timer that is due at once
/// fires in the next move, which may be of <see cref="TimeSpan.Zero"/>.
/// </para>
/// <para>
/// Thread-safe, but one call at a time moves the time: a second one, from another thread or a callback, throws. An exception of a callback
/// is thrown by the call that moves the time, which then stays where it was thrown.
/// </para>
/// </remarks>
public sealed class TestClock : TimeProvider
{
    // Locking rule: the lock protects the timers' schedule, the time, and the waiters. Callbacks and continuations run outside of it, so
    // they may call
    // any member; `moving`, not the lock, excludes a second mover.
    private readonly Lock gate = new();
    private readonly SortedSet<TestTimer> armed = new(TestTimer.ByDueTime);
    private readonly List<(int Count, TaskCompletionSource Reached)> waiters = [];
    private readonly DateTimeOffset start;
    private long now;
    private long created;
    private bool moving;

    /// <summary>Creates a clock that shows midnight of 1 January 2026, UTC.</summary>
    public TestClock() : this(new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero))
    {
    }

    /// <summary>Creates a clock.</summary>
    /// <param name="start">The time that it shows until it is moved.</param>
    /// <param name="localTimeZone">The local time zone; null for UTC.</param>
    public TestClock(DateTimeOffset start, TimeZoneInfo? localTimeZone = null)
    {
        this.start = start.ToUniversalTime();
        now = this.start.UtcTicks;
        LocalTimeZone = localTimeZone ?? TimeZoneInfo.Utc;
    }

    /// <summary>The time zone given to the constructor, on any machine.</summary>
    public override TimeZoneInfo LocalTimeZone { get; }

    /// <summary>10,000,000: a timestamp counts ticks of 100 ns, like <see cref="TimeSpan"/>.</summary>
    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    /// <summary>The due time of the next timer, in UTC; null if none is armed.</summary>
    public DateTimeOffset? NextDue
    {
        get
        {
            lock (gate) return armed.Min is { } next ? new(next.Due, TimeSpan.Zero) : null;
        }
    }

    /// <summary>The number of armed timers.</summary>
    public int ArmedTimers
    {
        get
        {
            lock (gate) return armed.Count;
        }
    }

    /// <summary>The time the clock was moved to; while a callback runs, the due time of its timer.</summary>
    /// <returns>The time, in UTC.</returns>
    public override DateTimeOffset GetUtcNow() => new(Volatile.Read(ref now), TimeSpan.Zero);

    /// <summary>The time since the clock's start, in ticks of 100 ns.</summary>
    /// <returns>Zero at the start.</returns>
    public override long GetTimestamp() => Volatile.Read(ref now) - start.UtcTicks;

    /// <summary>Creates a timer that fires when the time is moved.</summary>
    /// <param name="callback">The callback.</param>
    /// <param name="state">The argument of the callback.</param>
    /// <param name="dueTime">From zero to 0xFFFFFFFE milliseconds, or <see cref="Timeout.InfiniteTimeSpan"/> for never.</param>
    /// <param name="period">From zero to 0xFFFFFFFE milliseconds; zero or <see cref="Timeout.InfiniteTimeSpan"/> to fire once.</param>
    /// <returns>The timer.</returns>
    /// <exception cref="ArgumentOutOfRangeException">A time is out of range.</exception>
    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        ArgumentNullException.ThrowIfNull(callback);
        var timer = new TestTimer(this, callback, state, Interlocked.Increment(ref created));
        timer.Change(dueTime, period);
        return timer;
    }

    /// <summary>Moves the time, and fires the timers that become due.</summary>
    /// <param name="by">The distance; zero fires timers that are due at once.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="by"/> is negative, or leads beyond the year 9999.</exception>
    /// <exception cref="InvalidOperationException">The time is being moved already.</exception>
    public void Advance(TimeSpan by)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(by, TimeSpan.Zero);
        var target = BeginMove(by);
        try
        {
            while (TakeDue(target) is { } timer) timer.Fire();
            Volatile.Write(ref now, target);
        }
        finally
        {
            EndMove();
        }
    }

    /// <summary>
    /// Moves the time as <see cref="Advance"/> does, but lets ready work run before it leaves an instant. A timer created by that work
    /// fires in the same move.
    /// </summary>
    /// <param name="by">The distance; zero fires timers that are due at once.</param>
    /// <param name="settle">
    /// Completes when no work is ready; for example a seeded scheduler's run until idle. If it is null, the caller's synchronization
    /// context or task scheduler gets one turn, which suffices if it is single-threaded, but not on the thread pool.
    /// </param>
    /// <returns>A task that completes at the new time.</returns>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="by"/> is negative.</exception>
    /// <exception cref="InvalidOperationException">The time is being moved already.</exception>
    public async Task AdvanceAsync(TimeSpan by, Func<Task>? settle = null)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(by, TimeSpan.Zero);
        var target = BeginMove(by);
        try
        {
            await SettleAsync();
            while (TakeDue(target) is { } timer)
            {
                timer.Fire();
                while (TakeDue(GetUtcNow().UtcTicks) is { } together) together.Fire();
                await SettleAsync();
            }

            Volatile.Write(ref now, target);
        }
        finally
        {
            EndMove();
        }

        async Task SettleAsync()
        {
            if (settle is null) await Task.Yield();
            else await settle();
        }
    }

    /// <summary>Moves the time forward to an instant, as <see cref="Advance"/> does.</summary>
    /// <param name="value">The instant; not before the present.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="value"/> is in the clock's past.</exception>
    /// <exception cref="InvalidOperationException">The time is being moved already.</exception>
    public void SetUtcNow(DateTimeOffset value)
    {
        var by = value - GetUtcNow();
        if (by < TimeSpan.Zero)
            throw new ArgumentOutOfRangeException(nameof(value), value, $"The clock shows {GetUtcNow():O} and cannot go back.");
        Advance(by);
    }

    /// <summary>Waits, in real time, until code on other threads has armed timers, so that the test then moves the time.</summary>
    /// <param name="count">The number of armed timers; at least 1.</param>
    /// <param name="cancellation">Gives up waiting.</param>
    /// <returns>A task that completes once that many timers are armed at the same time.</returns>
    public async Task WaitForTimersAsync(int count = 1, CancellationToken cancellation = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        var reached = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (gate)
        {
            if (armed.Count >= count) return;
            waiters.Add((count, reached));
        }

        try
        {
            await reached.Task.WaitAsync(cancellation);
        }
        finally
        {
            lock (gate) waiters.RemoveAll(waiter => waiter.Reached == reached);
        }
    }

    /// <summary>Changes a timer's schedule under the lock, while the timer is not in the set that is ordered by due times.</summary>
    internal bool Reschedule(TestTimer timer, Func<long, long?> newDue)
    {
        lock (gate)
        {
            if (timer.IsDisposed) return false;
            armed.Remove(timer);
            if (newDue(now) is not { } due) return true;
            timer.Due = due;
            armed.Add(timer);
            foreach (var (count, reached) in waiters)
                if (armed.Count >= count) reached.TrySetResult(); // continuations run elsewhere, not under this lock
            return true;
        }
    }

    /// <summary>Runs an action under the lock, for state of a timer that several threads use.</summary>
    internal T Locked<T>(Func<T> action)
    {
        lock (gate) return action();
    }

    private long BeginMove(TimeSpan by)
    {
        lock (gate)
        {
            if (moving)
                throw new InvalidOperationException(
                    "The clock is being moved already, by another thread or by the move that runs this callback. Move it from one place.");
            if (by.Ticks > DateTimeOffset.MaxValue.UtcTicks - now)
                throw new ArgumentOutOfRangeException(nameof(by), by, "The clock would pass the last time that can be represented.");
            moving = true;
            return now + by.Ticks;
        }
    }

    private void EndMove()
    {
        lock (gate) moving = false;
    }

    // Takes the first due timer and sets the time to its due time. A periodic timer is armed again before its callback runs, so that the
    // callback can
    // change it.
    private TestTimer? TakeDue(long until)
    {
        lock (gate)
        {
            if (armed.Min is not { } timer || timer.Due > until) return null;
            armed.Remove(timer);
            Volatile.Write(ref now, Math.Max(now, timer.Due));
            if (timer.Period > 0)
            {
                timer.Due += timer.Period;
                armed.Add(timer);
            }

            timer.Running++;
            return timer;
        }
    }
}
