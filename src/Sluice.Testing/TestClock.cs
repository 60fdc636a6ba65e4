namespace Sluice.Testing;

/// <summary>
/// A clock that stands still until a test moves it. Timers, and everything made of them (<see cref="Task.Delay(TimeSpan, TimeProvider)"/>,
/// timeouts, <see cref="PeriodicTimer"/>), fire while the time passes over them, each at its own due time, in a fixed order.
/// </summary>
/// <remarks>
/// <para>Timers fire in order of their due times, those due at one instant in the order in which they were created. Their callbacks run
/// on the thread that moves the time, one after the other, and may create, change and dispose timers: what becomes due within the
/// same move fires in it. A timer that is due at once fires in the next move, which may be of <see cref="TimeSpan.Zero"/>.</para>
/// <para>Every member may be called from any thread, but one call at a time moves the time: a second one, from another thread or from a
/// callback, is an error. An exception thrown by a callback comes out of the call that moved the time, which then stands where it was
/// thrown.</para>
/// </remarks>
public sealed class TestClock : TimeProvider
{
    // The locking rule: this guards the timers' schedule, the time, and the waiters. It is held for bookkeeping only. Callbacks and
    // continuations of waiters run outside it, so they may call anything here; `moving`, not the lock, keeps a second mover out.
    private readonly Lock gate = new();
    private readonly SortedSet<TestTimer> armed = new(TestTimer.ByDueTime);
    private readonly List<(int Count, TaskCompletionSource Reached)> waiters = [];
    private readonly DateTimeOffset start;
    private long now;
    private long created;
    private bool moving;

    /// <summary>Makes a clock that shows midnight of 1 January 2026, in UTC.</summary>
    public TestClock() : this(new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero))
    {
    }

    /// <summary>Makes a clock.</summary>
    /// <param name="start">The time that it shows until it is moved.</param>
    /// <param name="localTimeZone">What it says the local time zone is; UTC when null.</param>
    public TestClock(DateTimeOffset start, TimeZoneInfo? localTimeZone = null)
    {
        this.start = start.ToUniversalTime();
        now = this.start.UtcTicks;
        LocalTimeZone = localTimeZone ?? TimeZoneInfo.Utc;
    }

    /// <summary>The zone given to the constructor, whatever machine the test runs on.</summary>
    public override TimeZoneInfo LocalTimeZone { get; }

    /// <summary>10,000,000: a timestamp counts ticks of 100 ns, like <see cref="TimeSpan"/>.</summary>
    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    /// <summary>When the next timer is due, in UTC; null when none is armed.</summary>
    public DateTimeOffset? NextDue
    {
        get
        {
            lock (gate) return armed.Min is { } next ? new(next.Due, TimeSpan.Zero) : null;
        }
    }

    /// <summary>How many timers are armed.</summary>
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

    /// <summary>Makes a timer that fires when the time is moved.</summary>
    /// <param name="callback">What to call.</param>
    /// <param name="state">What to call it with.</param>
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

    /// <summary>Moves the time, and fires what becomes due on the way.</summary>
    /// <param name="by">How far; zero fires what is due at once.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="by"/> is negative.</exception>
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
    /// Moves the time as <see cref="Advance"/> does, but before it passes on from an instant it lets the work that is ready run, so that
    /// a timer which that work creates fires in the same move.
    /// </summary>
    /// <param name="by">How far; zero fires what is due at once.</param>
    /// <param name="settle">Completes when no more work is ready, such as a seeded scheduler's run until idle. When null, the caller's
    /// synchronization context or task scheduler gets one turn: enough where it is single-threaded, no promise on the thread pool.</param>
    /// <returns>A task that ends when the time is there.</returns>
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
    /// <param name="value">The instant, not before the present.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="value"/> is in the clock's past.</exception>
    /// <exception cref="InvalidOperationException">The time is being moved already.</exception>
    public void SetUtcNow(DateTimeOffset value)
    {
        var by = value - GetUtcNow();
        if (by < TimeSpan.Zero)
            throw new ArgumentOutOfRangeException(nameof(value), value, $"The clock shows {GetUtcNow():O} and cannot go back.");
        Advance(by);
    }

    /// <summary>Waits, in real time, until code on other threads has armed timers, so that a test moves the time only then.</summary>
    /// <param name="count">How many armed timers to wait for, at least 1.</param>
    /// <param name="cancellation">Gives up waiting.</param>
    /// <returns>A task that ends once that many are armed at the same time.</returns>
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

    /// <summary>Runs a change of a timer's schedule under the lock, with the timer out of the set that its due time orders.</summary>
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
                if (armed.Count >= count) reached.TrySetResult(); // its continuations run elsewhere, not under this lock
            return true;
        }
    }

    /// <summary>For state of a timer that both the thread that fires it and others touch.</summary>
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
            var target = checked(now + by.Ticks);
            if (target > DateTimeOffset.MaxValue.UtcTicks)
                throw new ArgumentOutOfRangeException(nameof(by), by, "The clock would pass the last time that can be represented.");
            moving = true;
            return target;
        }
    }

    private void EndMove()
    {
        lock (gate) moving = false;
    }

    // Takes the first timer due by then, sets the time to when it is due, and arms it anew if it is periodic: before its callback runs,
    // so that the callback can change it.
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
