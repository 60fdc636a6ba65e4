namespace Sluice;

/// <summary>When a producer fires, and which of the ticks that have passed are still to fire.</summary>
/// <param name="next">The first tick after an instant; null if there is none.</param>
/// <param name="options">What becomes of missed ones.</param>
internal sealed class TickTimes(Func<DateTimeOffset, DateTimeOffset?> next, TickOptions options)
{
    private static readonly TimeSpan FirstSpan = TimeSpan.FromSeconds(1);

    /// <summary>The next tick to fire.</summary>
    /// <param name="last">The one that was fired last: whatever the clock shows, nothing up to it fires again.</param>
    /// <param name="now">What the clock shows.</param>
    public DateTimeOffset? After(DateTimeOffset last, DateTimeOffset now)
    {
        DateTimeOffset over = now.UtcTicks > options.MaxJitter.Ticks ? now - options.MaxJitter : DateTimeOffset.MinValue;
        if (options.Missed == MissedTickPolicy.Skip) return next(last > over ? last : over);
        return options.MaxMissed is { } most && last < over ? LatestOf(most, last, over) : next(last);
    }

    /// <summary>The first of the latest so many ticks in a time that has passed; the first of all where they are fewer.</summary>
    /// <remarks>A schedule can be asked for what comes next only: so ever longer spans before its end are looked at, until they have enough.</remarks>
    private DateTimeOffset? LatestOf(int most, DateTimeOffset last, DateTimeOffset end)
    {
        var ticks = new Queue<DateTimeOffset>();
        for (TimeSpan span = FirstSpan; ; span *= 2)
        {
            bool isAll = end - last <= span;
            ticks.Clear();
            int count = 0;
            for (DateTimeOffset? tick = next(isAll ? last : end - span); tick <= end; tick = next(tick.Value))
            {
                ticks.Enqueue(tick.Value);
                if (++count > most) ticks.Dequeue();
            }
            if (count >= most || (isAll && count > 0)) return ticks.Peek();
            if (isAll) return next(last);
        }
    }
}
