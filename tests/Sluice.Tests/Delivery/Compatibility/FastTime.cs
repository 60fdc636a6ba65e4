namespace Sluice.Tests.Delivery;

/// <summary>A clock that runs ten times as fast as the system's: for waits until members of another machine are taken for dead.</summary>
internal sealed class FastTime : TimeProvider
{
    private const int Factor = 10;

    private readonly DateTimeOffset begun = DateTimeOffset.UtcNow;

    public override long TimestampFrequency => System.TimestampFrequency / Factor;

    public override long GetTimestamp() => System.GetTimestamp();

    public override DateTimeOffset GetUtcNow() => begun + ((System.GetUtcNow() - begun) * Factor);

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        => new Timer(System.CreateTimer(callback, state, Real(dueTime), Real(period)));

    private static TimeSpan Real(TimeSpan fast) => fast == Timeout.InfiniteTimeSpan ? fast : fast / Factor;

    private sealed class Timer(ITimer inner) : ITimer
    {
        public bool Change(TimeSpan dueTime, TimeSpan period) => inner.Change(Real(dueTime), Real(period));

        public void Dispose() => inner.Dispose();

        public ValueTask DisposeAsync() => inner.DisposeAsync();
    }
}
