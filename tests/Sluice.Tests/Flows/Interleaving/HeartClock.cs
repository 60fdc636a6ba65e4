using Sluice.Testing;

namespace Sluice.Tests.Flows;

/// <summary>
/// A test's clock as one service sees it. It knows when the service's hearts, which beat on a thread of their own, are about to do
/// something: from when their timers go off until they stand at the gate, and from when they
/// are let through until they rest.
/// </summary>
/// <remarks>Thread-safe.</remarks>
internal sealed class HeartClock(TestClock clock, Bustle bustle, TimeSpan interval) : TimeProvider
{
    [ThreadStatic]
    private static bool restsNext;                   // the heart that this thread is with, when it looks at the clock

    private readonly Lock sync = new();
    private readonly List<HeartTimer> expected = [];
    private int atGate;

    /// <summary>Whether this is the thread of the hearts.</summary>
    public static bool IsHeart => Thread.CurrentThread.Name?.EndsWith(" heart", StringComparison.Ordinal) == true;

    /// <summary>Whether its hearts stand at the gate, or will, for long: nobody waits for them.</summary>
    public bool IsPaused { get; set; }

    public override TimeZoneInfo LocalTimeZone => clock.LocalTimeZone;

    public override long TimestampFrequency => clock.TimestampFrequency;

    public override DateTimeOffset GetUtcNow() => clock.GetUtcNow();

    public override long GetTimestamp()
    {
        long now = clock.GetTimestamp();
        if (restsNext)
        {
            restsNext = false;
            bustle.Leave();
        }
        return now;
    }

    /// <summary>The heart that this thread is with was let through, and has its answer.</summary>
    public static void RestsAtNextLook() => restsNext = true;

    /// <summary>It was let through, and has nothing to do.</summary>
    public void Rest() => bustle.Leave();

    /// <summary>A heart stands at the gate.</summary>
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

    /// <summary>It stands there no longer.</summary>
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

    /// <summary>Hearts that have not come for long are not waited for: they had woken by themselves, in real time, or had nothing to
    /// say.</summary>
    /// <returns>Whether there were any.</returns>
    public bool GiveUp()
    {
        int missed;
        lock (sync)
        {
            missed = expected.Count;
            expected.Clear();
        }
        for (int i = 0; i < missed; i++) bustle.Leave();
        return missed > 0;
    }

    private void Expect(HeartTimer timer)
    {
        lock (sync)
        {
            if (IsPaused || atGate > 0 || expected.Contains(timer)) return; // who stands at the gate comes again when it was let through
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
