namespace Sluice.Tests.Processes;

/// <summary>A time provider whose timers fire after half their time.</summary>
/// <param name="inner">The clock.</param>
internal sealed class HastyTime(TimeProvider inner) : TimeProvider
{
    public override long TimestampFrequency => inner.TimestampFrequency;

    public override DateTimeOffset GetUtcNow() => inner.GetUtcNow();

    public override long GetTimestamp() => inner.GetTimestamp();

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        => new HastyTimer(inner.CreateTimer(callback, state, Half(dueTime), period));

    private static TimeSpan Half(TimeSpan time) => time > TimeSpan.FromMilliseconds(10) ? time / 2 : time;

    private sealed class HastyTimer(ITimer timer) : ITimer
    {
        public bool Change(TimeSpan dueTime, TimeSpan period) => timer.Change(Half(dueTime), period);

        public void Dispose() => timer.Dispose();

        public ValueTask DisposeAsync() => timer.DisposeAsync();
    }
}
