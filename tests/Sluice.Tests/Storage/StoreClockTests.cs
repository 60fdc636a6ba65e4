using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Tests.Storage;

public class StoreClockTests
{
    [Fact]
    public void TheStoreClockContinuesFromTheStoredTime()
    {
        var time = new TestClock();
        DateTimeOffset stored = time.GetUtcNow().AddHours(1);
        var clock = new StoreClock(time, stored);

        Assert.Equal(stored, clock.Now);
        time.Advance(TimeSpan.FromSeconds(5));
        Assert.Equal(stored.AddSeconds(5), clock.Now);
    }

    [Fact]
    public void TheStoreClockIgnoresJumpsOfTheWallClock()
    {
        var time = new JumpingTime();
        DateTimeOffset start = time.Utc;
        var clock = new StoreClock(time);

        time.Utc = start.AddHours(-1);
        Assert.Equal(start, clock.Now);
        (time.Utc, time.Ticks) = (start.AddHours(1), TimeSpan.TicksPerSecond);
        Assert.Equal(start.AddSeconds(1), clock.Now);
        time.Ticks = 0;
        Assert.Equal(start.AddSeconds(1), clock.Now);
    }

    private sealed class JumpingTime : TimeProvider
    {
        public DateTimeOffset Utc { get; set; } = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);
        public long Ticks { get; set; }
        public override long TimestampFrequency => TimeSpan.TicksPerSecond;
        public override DateTimeOffset GetUtcNow() => Utc;
        public override long GetTimestamp() => Ticks;
    }
}
