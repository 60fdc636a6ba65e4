using Sluice.Testing;

namespace Sluice.Tests;

/// <summary>A test clock that tells of each timer that is created: before a test moves it, the code under test has to wait.</summary>
internal abstract class WatchedClock(TestClock clock) : TimeProvider
{
    protected TestClock Clock => clock;

    public override long TimestampFrequency => clock.TimestampFrequency;

    public override DateTimeOffset GetUtcNow() => clock.GetUtcNow();

    public override long GetTimestamp() => clock.GetTimestamp();

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        ITimer timer = clock.CreateTimer(callback, state, dueTime, period);
        OnCreated(dueTime, period);
        return timer;
    }

    /// <summary>Called on the thread that has created a timer, once it is set.</summary>
    protected abstract void OnCreated(TimeSpan dueTime, TimeSpan period);
}
