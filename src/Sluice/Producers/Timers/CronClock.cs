namespace Sluice.Producers;

/// <summary>
/// Converts local times into instants when clocks change. It asks the zone only for the offset at an instant, which is always exact;
/// the zone's answers about invalid and ambiguous times are wrong where a country changed its standard time.
/// </summary>
internal readonly struct CronClock(CronTimes times, TimeZoneInfo zone)
{
    private static readonly TimeSpan Day = TimeSpan.FromDays(1);

    /// <summary>
    /// The next time of a schedule at fixed hours: a skipped time is the end of the gap, a repeated time is its first occurrence.
    /// </summary>
    internal DateTimeOffset? NextOfFixedHours(DateTimeOffset after)
    {
        // Here later local times never mean earlier instants, so all local times up to now are in the past.
        var local = times.NextFrom(After(Local(after.UtcDateTime)));
        while (local is { } candidate)
        {
            if (InstantOf(candidate) is not { } instant) return null;
            if (instant > after.UtcDateTime) return At(instant);
            local = times.NextFrom(After(candidate)); // it occurred before, an hour ago on the same wall clock
        }

        return null;
    }

    /// <summary>The next time of a schedule that follows the wall clock: skipped times do not occur, repeated times occur twice.</summary>
    internal DateTimeOffset? NextOnTheWall(DateTimeOffset after)
    {
        var instant = after.UtcDateTime;
        var from = After(Local(instant));
        while (true)
        {
            var offset = zone.GetUtcOffset(instant);
            if (times.NextFrom(from) is not { } local || Shift(local, -offset) is not { } candidate) return null;
            var near = candidate - instant > Day ? instant + Day : candidate;
            if (zone.GetUtcOffset(near) != offset)
            {
                instant = FirstChange(instant, near);
                from = Local(instant); // the wall clock has jumped: look again from where it is now
                continue;
            }

            if (near == candidate) return At(candidate);

            // The candidate is next, unless the clocks change shortly before it.
            instant = candidate - near > 2 * Day ? candidate - (2 * Day) : near;
            from = Local(instant);
        }
    }

    // The instant of a local time: the first of two, or the end of the gap if there is none; null if it is after the last representable
    // time.
    private DateTime? InstantOf(DateTime local)
    {
        if (Shift(local, -2 * Day) is not { } before || Shift(local, 2 * Day) is not { } later)
            return Shift(local, -zone.GetUtcOffset(DateTime.SpecifyKind(local, DateTimeKind.Utc)));
        DateTime? first = null;
        foreach (var offset in (ReadOnlySpan<TimeSpan>)[zone.GetUtcOffset(before), zone.GetUtcOffset(later)])
            if (Shift(local, -offset) is { } instant && zone.GetUtcOffset(instant) == offset && !(instant >= first)) first = instant;
        return first ?? FirstChange(before, later);
    }

    // The first instant after `low` with another offset, if the offset at `high` differs; by bisection.
    private DateTime FirstChange(DateTime low, DateTime high)
    {
        var offset = zone.GetUtcOffset(low);
        while (high.Ticks - low.Ticks > 1)
        {
            var middle = new DateTime(low.Ticks + ((high.Ticks - low.Ticks) / 2), DateTimeKind.Utc);
            if (zone.GetUtcOffset(middle) == offset) low = middle;
            else high = middle;
        }

        return high;
    }

    private DateTime Local(DateTime instant)
    {
        var offset = zone.GetUtcOffset(instant);
        return Shift(instant, offset) ?? (offset < TimeSpan.Zero ? DateTime.MinValue : DateTime.MaxValue);
    }

    private DateTimeOffset? At(DateTime instant)
        => Shift(instant, zone.GetUtcOffset(instant)) is null ? null : new DateTimeOffset(instant).ToOffset(zone.GetUtcOffset(instant));

    private static DateTime After(DateTime local) => local == DateTime.MaxValue ? local : local.AddTicks(1);

    // Null outside of the years 1 to 9999. All values are marked as UTC, so that the zone does not convert them.
    private static DateTime? Shift(DateTime value, TimeSpan by)
    {
        var ticks = value.Ticks + by.Ticks;
        return ticks < 0 || ticks > DateTime.MaxValue.Ticks ? null : new DateTime(ticks, DateTimeKind.Utc);
    }
}
