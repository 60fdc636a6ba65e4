using Sluice.Producers;

namespace Sluice;

/// <summary>A cron schedule, such as <c>0 9 * * MON-FRI</c>: nine o'clock on working days.</summary>
/// <remarks>
/// <para>Five fields: minute (0-59), hour (0-23), day of month (1-31), month (1-12 or JAN-DEC), day of week (0-7 or SUN-SAT; 0 and 7
/// are Sunday). Or six, with the second (0-59) first. Case does not matter. Every field may have: <c>*</c> for all values; <c>a-b</c> for
/// a range, which wraps around if b is less than a (<c>22-2</c>, <c>FRI-MON</c>); <c>*/n</c>, <c>a-b/n</c> and <c>a/n</c> for every n-th
/// value, the last one from a to the end; and lists of these, <c>a,b,c</c>.</para>
/// <para>Day of month: <c>L</c> is the last day, <c>L-3</c> the third day before it, <c>15W</c> the working day (Monday to Friday)
/// nearest to the 15th in the same month, <c>LW</c> the last working day. Day of week: <c>FRIL</c> or <c>5L</c> is the last
/// Friday of the month, <c>FRI#2</c> or <c>5#2</c> the second Friday. In these two fields <c>?</c> means the same as <c>*</c>.
/// As in every cron, if both fields are restricted, a day that matches either is meant; if one begins with <c>*</c> or <c>?</c>, both
/// must match.</para>
/// <para><c>@yearly</c> (or <c>@annually</c>), <c>@monthly</c>, <c>@weekly</c>, <c>@daily</c> (or <c>@midnight</c>) and
/// <c>@hourly</c> stand for the first moment of each.</para>
/// <para>When the clocks change, a schedule at fixed hours keeps to its days: skipped times fire, as one, at the first instant after the
/// gap; repeated times fire at their first occurrence. A schedule whose hour field begins with <c>*</c> follows the wall clock
/// instead: skipped times do not fire, and repeated times fire twice, so that <c>*/10 * * * *</c> keeps firing every ten minutes.</para>
/// <para>Immutable; thread-safe.</para>
/// </remarks>
public sealed class CronSchedule
{
    private readonly string text;
    private readonly CronTimes times;
    private readonly bool followsWallClock;

    private CronSchedule(string text, CronField[] fields)
    {
        this.text = text;
        times = new(fields);
        followsWallClock = fields[2].StartsWithStar;
    }

    /// <summary>Parses a cron expression.</summary>
    /// <param name="expression">Five or six fields separated by white space, or a name such as <c>@hourly</c>.</param>
    /// <returns>The schedule.</returns>
    /// <exception cref="FormatException">The expression is not valid. The message names the field, the position and the allowed
    /// values.</exception>
    public static CronSchedule Parse(string expression)
    {
        ArgumentNullException.ThrowIfNull(expression);
        return new(expression.Trim(), CronParser.Parse(expression));
    }

    /// <summary>Parses a cron expression if it is valid.</summary>
    /// <param name="expression">Five or six fields separated by white space, or a name such as <c>@hourly</c>.</param>
    /// <param name="schedule">The schedule; null if the expression is not valid.</param>
    /// <returns>Whether the expression is valid. <see cref="Parse"/> says what is wrong.</returns>
    public static bool TryParse([NotNullWhen(true)] string? expression, [NotNullWhen(true)] out CronSchedule? schedule)
    {
        schedule = null;
        if (expression is null) return false;
        try
        {
            schedule = Parse(expression);
            return true;
        }
        catch (FormatException) // Parse gives the reason
        {
            return false;
        }
    }

    /// <summary>The first time of the schedule after an instant.</summary>
    /// <param name="after">The instant; the result is later than it.</param>
    /// <param name="zone">The time zone of the schedule's hours and days.</param>
    /// <returns>The time, in whole seconds, with the zone's offset at that time; null if the schedule has no further time before the year
    /// 10000 (<c>0 0 30 2 *</c> never has one).</returns>
    public DateTimeOffset? GetNext(DateTimeOffset after, TimeZoneInfo zone)
    {
        ArgumentNullException.ThrowIfNull(zone);
        var clock = new CronClock(times, zone);
        return followsWallClock ? clock.NextOnTheWall(after) : clock.NextOfFixedHours(after);
    }

    /// <summary>The expression that was parsed, without surrounding white space.</summary>
    /// <returns>For example <c>0 9 * * MON-FRI</c>.</returns>
    public override string ToString() => text;
}
