namespace Sluice;

/// <summary>
/// The time of a stream store: never goes back, whatever happens to the wall clock, and stands still for nobody. It begins with the wall
/// clock or the last stored time, whichever is later, and goes on with the monotonic clock.
/// </summary>
/// <remarks>Thread-safe. For stores; one that shares its data with other processes still has to keep what it stores from going back.</remarks>
public sealed class StoreClock
{
    private readonly TimeProvider time;
    private readonly long begun;
    private readonly long beginTicks;
    private long latestTicks;

    /// <summary>Starts the clock.</summary>
    /// <param name="time">Where time comes from.</param>
    /// <param name="lastStored">The latest time that the store has written; <c>default</c> for a new store.</param>
    public StoreClock(TimeProvider time, DateTimeOffset lastStored = default)
    {
        ArgumentNullException.ThrowIfNull(time);
        this.time = time;
        begun = time.GetTimestamp();
        beginTicks = latestTicks = Math.Max(time.GetUtcNow().UtcTicks, lastStored.UtcTicks);
    }

    /// <summary>The present time, in UTC; never before what was returned earlier.</summary>
    public DateTimeOffset Now
    {
        get
        {
            long ticks = beginTicks + time.GetElapsedTime(begun).Ticks;
            for (long seen = Volatile.Read(ref latestTicks); ;)
            {
                if (ticks <= seen) return new(seen, TimeSpan.Zero);
                long before = Interlocked.CompareExchange(ref latestTicks, ticks, seen);
                if (before == seen) return new(ticks, TimeSpan.Zero);
                seen = before;
            }
        }
    }
}
