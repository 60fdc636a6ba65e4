namespace Sluice.Dashboard.Sampling;

/// <summary>Measures how long nothing has moved although there is work. Not thread-safe: calls must not overlap.</summary>
/// <remarks>Work that always takes long is no standstill: the longest pause that was seen and ended by itself is remembered. A time
/// without looks is no such pause: much may have moved in it.</remarks>
internal sealed class Standstill(TimeProvider time)
{
    private static readonly TimeSpan Least = TimeSpan.FromSeconds(30);

    private readonly LookGap gap = new(time);
    private (long Moved, long Aside, long Since, long SeenAt)? last;
    private TimeSpan longest;

    /// <summary>Compares this look with the ones before.</summary>
    /// <param name="hasWork">Whether something could move.</param>
    /// <param name="moved">A number that changes whenever something moves.</param>
    /// <param name="aside">Another one.</param>
    /// <returns>The time since one of them changed, or since the first look; null without work.</returns>
    public TimeSpan? Look(bool hasWork, long moved, long aside = 0)
    {
        long now = time.GetTimestamp();
        bool isBehindGap = gap.HasPassed();
        if (!hasWork)
        {
            last = null;
            return null;
        }
        if (last is { } known && (known.Moved, known.Aside) == (moved, aside))
        {
            last = known with { SeenAt = now };
            return time.GetElapsedTime(known.Since, now);
        }
        if (last is { } before && time.GetElapsedTime(before.Since, isBehindGap ? before.SeenAt : now) is var pause && pause > longest)
            longest = pause;
        last = (moved, aside, now, now);
        return TimeSpan.Zero;
    }

    /// <summary>Whether a time is longer than what can be expected: 30 seconds, and twice the longest pause until now.</summary>
    public bool IsLong(TimeSpan? still) => still >= Least && still >= longest * 2;
}
