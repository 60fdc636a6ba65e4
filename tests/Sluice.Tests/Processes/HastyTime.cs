namespace Sluice.Tests.Processes;

/// <summary>A time provider whose timers fire after half their time.</summary>
internal sealed class HastyTime : TimeProvider
{
    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        => new HastyTimer(base.CreateTimer(callback, state, Half(dueTime), period));

    private static TimeSpan Half(TimeSpan time) => time > TimeSpan.FromMilliseconds(10) ? time / 2 : time;

    private sealed class HastyTimer(ITimer timer) : ITimer
    {
        public bool Change(TimeSpan dueTime, TimeSpan period) => timer.Change(Half(dueTime), period);

        public void Dispose() => timer.Dispose();

        public ValueTask DisposeAsync() => timer.DisposeAsync();
    }
}
