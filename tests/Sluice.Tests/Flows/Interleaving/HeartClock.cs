using Sluice.Testing;

namespace Sluice.Tests.Flows;

/// <summary>
/// A test's clock as one service sees it. It knows when the service's heartbeat timers ("hearts"), which have a thread of their own, are at
/// work: from the moment their timer fires until they wait at the gate, and from the moment they are let through until they rest.
/// </summary>
/// <remarks>Thread-safe.</remarks>
internal sealed class HeartClock(TestClock clock, Bustle bustle, TimeSpan interval) : TimeProvider
{
    private readonly Lock sync = new();
    private readonly List<HeartTimer> expected = [];
    private int atGate;
    private int answered;                            // hearts with their answers: each rests when it next reads the clock

    /// <summary>Whether this is the thread of the hearts.</summary>
    public static bool IsHeart => Thread.CurrentThread.Name?.EndsWith(" heartbeats", StringComparison.Ordinal) == true;

    /// <summary>Whether the service is suspended: its hearts wait at the gate for long, and the test does not wait for them.</summary>
    public bool IsPaused { get; set; }

    public override TimeZoneInfo LocalTimeZone => clock.LocalTimeZone;

    public override long TimestampFrequency => clock.TimestampFrequency;

    public override DateTimeOffset GetUtcNow() => clock.GetUtcNow();

    public override long GetTimestamp()
    {
        long now = clock.GetTimestamp();
        if (IsHeart && TakeAnswered()) bustle.Leave();
        return now;
    }

    /// <summary>A heart was let through and has its answer: it rests when it next reads the clock, perhaps on another thread of the
    /// hearts.</summary>
    public void RestsAtNextLook() => Interlocked.Increment(ref answered);

    /// <summary>The heart was let through, and has nothing to do.</summary>
    public void Rest() => bustle.Leave();

    /// <summary>A heart has come to the gate.</summary>
    public void Arrive()
    {
        lock (sync)
        {
            atGate++;
            if (expected.Count == 0) return;
            expected.RemoveAt(0);
        }
        bustle.Leave();
    }

    /// <summary>The heart has passed the gate.</summary>
    public void GoOn()
    {
        lock (sync) atGate--;
    }

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        if (period != interval) return clock.CreateTimer(callback, state, dueTime, period);
        var timer = new HeartTimer(this);
        timer.Inner = clock.CreateTimer(state =>
        {
            Expect(timer);
            callback(state);
        }, state, dueTime, period);
        return timer;
    }

    /// <summary>Stops waiting for hearts that have not come for long: they had woken by themselves, in real time, or had no call to
    /// make. Also for hearts that do not rest: their service had given the call up when its answer came.</summary>
    /// <returns>Whether there were such hearts.</returns>
    public bool GiveUp()
    {
        int missed;
        lock (sync)
        {
            missed = expected.Count;
            expected.Clear();
        }
        while (TakeAnswered()) missed++;
        for (int i = 0; i < missed; i++) bustle.Leave();
        return missed > 0;
    }

    private bool TakeAnswered()
    {
        while (Volatile.Read(ref answered) is > 0 and var known)
            if (Interlocked.CompareExchange(ref answered, known - 1, known) == known) return true;
        return false;
    }

    private void Expect(HeartTimer timer)
    {
        lock (sync)
        {
            if (IsPaused || atGate > 0 || expected.Contains(timer)) return; // a heart at the gate comes again after it was let through
            expected.Add(timer);
        }
        bustle.Enter();
    }

    private void Forget(HeartTimer timer)
    {
        lock (sync)
        {
            if (!expected.Remove(timer)) return;
        }
        bustle.Leave();
    }

    private sealed class HeartTimer(HeartClock clock) : ITimer
    {
        private bool isDisposed;

        public ITimer Inner { get; set; } = null!;

        public bool Change(TimeSpan dueTime, TimeSpan period) => Inner.Change(dueTime, period);

        public void Dispose()
        {
            if (isDisposed) return;
            isDisposed = true;
            Inner.Dispose();
            clock.Forget(this);
        }

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
