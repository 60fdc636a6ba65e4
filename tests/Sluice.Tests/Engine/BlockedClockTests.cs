using Sluice.Engine;

namespace Sluice.Tests.Engine;

/// <summary>The figure that the counter <c>sluice.node.blocked.time</c> shows, read while waits begin and end.</summary>
public class BlockedClockTests
{
    private const int Reads = 2_000_000;

    [Fact]
    public async Task AReadDuringTheEndOfAWaitCountsTheWaitOnce()
    {
        // Time passes during waits only, so the time and the figure are always equal.
        var time = new StandingTime();
        var clock = new BlockedClock(time);
        int reading = 2;
        await Task.WhenAll([Task.Run(Wait), Task.Run(Read), Task.Run(Read)]);

        void Wait()
        {
            while (Volatile.Read(ref reading) > 0)
            {
                clock.Begin();
                time.Advance(1000);
                clock.End();
            }
        }

        void Read()
        {
            try
            {
                for (long i = 0, last = 0; i < Reads; i++)
                {
                    long before = time.GetTimestamp(), found = clock.Time.Ticks, after = time.GetTimestamp();
                    if (found < before || found > after || found < last)
                        Assert.Fail($"Read {i} has found {found}, between the times {before} and {after}, after {last}.");
                    last = found;
                }
            }
            finally
            {
                Interlocked.Decrement(ref reading);
            }
        }
    }

    private sealed class StandingTime : TimeProvider
    {
        private long now;

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => Volatile.Read(ref now);

        public void Advance(long ticks) => Interlocked.Add(ref now, ticks);
    }
}
