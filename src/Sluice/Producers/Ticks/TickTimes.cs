namespace Sluice.Producers;

/// <summary>Computes when a producer fires, and which missed ticks still fire.</summary>
/// <param name="next">The first tick after an instant; null if there is none.</param>
/// <param name="options">Options for missed ticks.</param>
internal sealed class TickTimes(Func<DateTimeOffset, DateTimeOffset?> next, TickOptions options)
{
    private static readonly TimeSpan FirstSpan = TimeSpan.FromSeconds(1);

    /// <summary>The next tick to fire.</summary>
    /// <param name="last">The last tick that fired: no tick up to it fires again, whatever the clock shows.</param>
    /// <param name="now">The time of the clock.</param>
    public DateTimeOffset? After(DateTimeOffset last, DateTimeOffset now)
    {
        DateTimeOffset over = now.UtcTicks > options.MaxJitter.Ticks ? now - options.MaxJitter : DateTimeOffset.MinValue;
        if (options.Missed == MissedTickPolicy.Skip) return next(last > over ? last : over);
        return options.MaxMissed is { } most && last < over ? LatestOf(most, last, over) : next(last);
    }

    /// <summary>
    /// The first of the latest <paramref name="most"/> ticks up to <paramref name="end"/>; the first of all if they are fewer.
    /// </summary>
    /// <remarks>
    /// A schedule only knows the next tick, so this looks at ever longer spans before the end until one has enough ticks.
    /// </remarks>
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
