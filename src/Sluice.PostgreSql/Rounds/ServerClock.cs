namespace Sluice.PostgreSql;

/// <summary>
/// The server's clock, as this process knows it, and how far the store's time is ahead of it. If the server's clock goes back (a failover,
/// a correction), the store's time continues from the latest time that a stream has seen, until the server's clock has reached the store's.
/// If the server's clock is put forward meanwhile, in part or as a whole, the store's time continues as well: it is less far ahead then.
/// </summary>
/// <remarks>
/// Thread-safe. Locking rule: <c>gate</c> protects everything: the server's time and how far the store is ahead of it belong together.
/// </remarks>
/// <param name="seenBefore">The latest time of the store that any stream had seen when the store was opened: the server's clock may have
/// gone back before.</param>
internal sealed class ServerClock(long seenBefore = 0)
{
    // Two servers differ by so much, and a clock is corrected by so much, without notice: the store's time stands still meanwhile.
    private const long Tolerance = TimeSpan.TicksPerSecond;

    private readonly Lock gate = new();
    private (long Microseconds, long Ticks, long Begun, long Taken)? last;     // what the server has told last, and when its round was here
    private long ahead;                              // in ticks
    private long latest;                             // the latest time of the store that a round has got here
    private long changed;                            // when ahead has changed

    /// <summary>
    /// An estimate of the server's time, in microseconds since 1970, and how far the store's time is ahead of it, in ticks. The last time
    /// that the server has told, and what has passed here since: late by the time that the answer took, never early. Null if the server has
    /// told its time never, or too long ago.
    /// </summary>
    public (long Microseconds, long Ahead)? Now
    {
        get
        {
            lock (gate)
                return last is { } told && TimeProvider.System.GetElapsedTime(told.Taken) is var passed
                    && passed <= KnownStreams.MaxAge ? (told.Microseconds + (long)passed.TotalMicroseconds, ahead) : null;
        }
    }

    /// <summary>The server has told its time to a round, after the streams of the round were locked or read.</summary>
    /// <param name="begun">When the round has begun: a time stamp of this process.</param>
    /// <param name="now">The same of now.</param>
    /// <param name="microseconds">The server's time, in microseconds since 1970.</param>
    /// <param name="server">The same in ticks, or what a test puts in its place.</param>
    /// <param name="seen">The latest time of the store that the streams of the round have seen.</param>
    /// <returns>The store's time, in ticks.</returns>
    public long Tell(long begun, long now, long microseconds, long server, long seen)
    {
        lock (gate)
        {
            if (last is null) seen = Math.Max(seen, seenBefore);
            // A time that was perhaps told before the server's clock has changed says nothing about the clock now.
            bool isOld = begun < changed;
            if (!isOld)
            {
                long before = ahead;
                // At most so much has passed since the answer before: what is more is a step of the server's clock.
                if (last is { } told)
                {
                    long step = server - told.Ticks - TimeProvider.System.GetElapsedTime(told.Begun, now).Ticks;
                    if (step > Tolerance) ahead = Math.Max(0, ahead - step);
                }
                if (server + Tolerance >= Math.Max(latest, seen)) ahead = 0;
                else if (seen - server > Tolerance) ahead = Math.Max(ahead, seen - server);
                if (ahead != before) changed = now;
                last = (microseconds, server, begun, now);
            }
            long stored = Math.Max(seen, isOld ? Math.Min(server + ahead, latest) : server + ahead);
            latest = Math.Max(latest, stored);
            return stored;
        }
    }
}
