namespace Sluice.Producers;

/// <summary>The local times that a cron expression allows, on a calendar without time zones.</summary>
/// <param name="fields">The fields, from second to day of week.</param>
internal sealed class CronTimes(CronField[] fields)
{
    // The calendar repeats after 400 years, weekdays included: a day that has not come by then never comes.
    private const int Years = 400;

    private readonly CronField second = fields[0];
    private readonly CronField minute = fields[1];
    private readonly CronField hour = fields[2];
    private readonly CronField day = fields[3];
    private readonly CronField month = fields[4];
    private readonly CronField weekday = fields[5];

    /// <summary>The first allowed time at or after a time; null if there is none before the year 10000.</summary>
    internal DateTime? NextFrom(DateTime from)
    {
        var fraction = from.Ticks % TimeSpan.TicksPerSecond;
        if (fraction > 0)
        {
            if (DateTime.MaxValue.Ticks - from.Ticks < TimeSpan.TicksPerSecond) return null;
            from = from.AddTicks(TimeSpan.TicksPerSecond - fraction);
        }

        if (NextDay(from.Year, from.Month, from.Day) is not { } date) return null;
        if (date > from.Date) return date + TimeFrom(0, 0, 0);
        if (TimeFrom(from.Hour, from.Minute, from.Second) is { } time) return date + time;
        if (date == DateTime.MaxValue.Date) return null;
        var tomorrow = date.AddDays(1);
        return NextDay(tomorrow.Year, tomorrow.Month, tomorrow.Day) is { } later ? later + TimeFrom(0, 0, 0) : null;
    }

    /// <summary>The first allowed time of day from a time on; null if there is none. From midnight on there always is one.</summary>
    private TimeSpan? TimeFrom(int h, int m, int s)
    {
        if (hour.NextFrom(h) == h)
        {
            if (minute.NextFrom(m) == m && second.NextFrom(s) is >= 0 and var sameMinute) return new(h, m, sameMinute);
            if (minute.NextFrom(m + 1) is >= 0 and var nextMinute) return new(h, nextMinute, second.NextFrom(0));
        }

        return hour.NextFrom(h + 1) is >= 0 and var nextHour ? new(nextHour, minute.NextFrom(0), second.NextFrom(0)) : null;
    }

    private DateTime? NextDay(int year, int fromMonth, int fromDay)
    {
        for (var last = Math.Min(year + Years, DateTime.MaxValue.Year); year <= last; year++, fromMonth = fromDay = 1)
            for (var m = month.NextFrom(fromMonth); m > 0; m = month.NextFrom(m + 1))
                if (CronField.Next(DaysOf(year, m), m == fromMonth ? fromDay : 1) is > 0 and var found) return new(year, m, found);
        return null;
    }

    /// <summary>The allowed days of a month, as bits: bit n for day n.</summary>
    private ulong DaysOf(int year, int m)
    {
        var length = DateTime.DaysInMonth(year, m);
        var first = (int)new DateTime(year, m, 1).DayOfWeek;
        var ofMonth = day.Bits;
        foreach (var rule in day.Days) ofMonth |= Bit(Resolve(rule, length, first));

        var ofWeek = 0UL;
        for (var each = 1; each <= length; each++)
            if ((weekday.Bits & (1UL << WeekdayOf(each, first))) != 0) ofWeek |= 1UL << each;
        foreach (var rule in weekday.Days) ofWeek |= Bit(Resolve(rule, length, first));

        var both = day.StartsWithStar || weekday.StartsWithStar ? ofMonth & ofWeek : ofMonth | ofWeek;
        return both & ((2UL << length) - 2);
    }

    private static ulong Bit(int day) => day > 0 ? 1UL << day : 0;

    private static int WeekdayOf(int day, int first) => (first + day - 1) % 7;

    /// <summary>The day that a rule means in a month with this length and first weekday; 0 or less if there is none.</summary>
    private static int Resolve(CronDay rule, int length, int first) => rule.Kind switch
    {
        CronDayKind.FromLast => length - rule.Value,
        CronDayKind.LastWeekday => length - ((WeekdayOf(length, first) - rule.Value + 7) % 7),
        CronDayKind.NthWeekday => 1 + ((rule.Value - first + 7) % 7) + ((rule.Nth - 1) * 7) is var nth && nth <= length ? nth : 0,
        CronDayKind.LastWorkingDay => Nearest(length, length, first),
        _ => rule.Value <= length ? Nearest(rule.Value, length, first) : 0,
    };

    // For a Saturday the day before, for a Sunday the day after, but within the month.
    private static int Nearest(int day, int length, int first) => WeekdayOf(day, first) switch
    {
        6 => day > 1 ? day - 1 : day + 2,
        0 => day < length ? day + 1 : day - 2,
        _ => day,
    };
}
