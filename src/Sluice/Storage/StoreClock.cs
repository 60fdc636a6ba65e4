namespace Sluice.Storage;

/// <summary>
/// The clock of a stream store; it never goes back, whatever the wall clock does. It begins at the wall clock or the last stored time,
/// whichever is later, and follows the monotonic clock.
/// </summary>
/// <remarks>
/// <para>Thread-safe. A store that shares its data with other processes must also keep its stored times from going back.</para>
/// <para>
/// It is the clock of retries and time stamps. A durable store of one process must not measure <see cref="AppendRequest.ForgetAfter"/> and
/// <see cref="ReaderOptions.IdleTimeout"/> by it across a closed time, because the wall clock of the next opening may be days ahead: for
/// these it counts only the time in which it is open.
/// </para>
/// </remarks>
public sealed class StoreClock
{
    private readonly TimeProvider time;
    private readonly long begun;
    private readonly long beginTicks;
    private long latestTicks;

    /// <summary>Starts the clock.</summary>
    /// <param name="time">The time provider.</param>
    /// <param name="lastStored">The latest time in the store; <c>default</c> for a new store.</param>
    public StoreClock(TimeProvider time, DateTimeOffset lastStored = default)
    {
        ArgumentNullException.ThrowIfNull(time);
        this.time = time;
        begun = time.GetTimestamp();
        beginTicks = latestTicks = Math.Max(time.GetUtcNow().UtcTicks, lastStored.UtcTicks);
    }

    /// <summary>The present time, in UTC; never before an earlier result.</summary>
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
