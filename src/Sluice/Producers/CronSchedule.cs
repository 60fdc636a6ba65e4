using System.Diagnostics.CodeAnalysis;

namespace Sluice;

/// <summary>A schedule in the language of cron, such as <c>0 9 * * MON-FRI</c>: nine o'clock on working days.</summary>
/// <remarks>
/// <para>Five fields: minute (0-59), hour (0-23), day of month (1-31), month (1-12 or JAN-DEC), day of week (0-7 or SUN-SAT, 0 and 7
/// are Sunday); or six, with the second (0-59) first. In every field: <c>*</c> for all; <c>a-b</c> for a range, which wraps around where
/// b is less than a (<c>22-2</c>, <c>FRI-MON</c>); <c>*/n</c>, <c>a-b/n</c> and <c>a/n</c> for every n-th of them, the last from a to
/// the end; and lists of these, <c>a,b,c</c>. Case does not matter.</para>
/// <para>In the day of month: <c>L</c> is the last day, <c>L-3</c> the third before it, <c>15W</c> the working day (Monday to Friday)
/// nearest to the 15th in the same month, <c>LW</c> the last working day. In the day of week: <c>FRIL</c> or <c>5L</c> is the last
/// Friday of the month, <c>FRI#2</c> or <c>5#2</c> the second. <c>?</c> in one of these two fields means the same as <c>*</c>.
/// As in every cron, when both are restricted a day that matches either is meant; when one begins with <c>*</c> or <c>?</c>, both must
/// match.</para>
/// <para><c>@yearly</c> (or <c>@annually</c>), <c>@monthly</c>, <c>@weekly</c>, <c>@daily</c> (or <c>@midnight</c>) and
/// <c>@hourly</c> stand for the first moment of each.</para>
/// <para>When the clocks change: a schedule at fixed hours fires once for each of its days. Times that are skipped fire, together, at
/// the first instant after the gap; times that occur twice fire the first time. A schedule whose hour field begins with <c>*</c>
/// follows the clock on the wall instead: what is skipped does not fire, and what occurs twice fires twice, so that
/// <c>*/10 * * * *</c> keeps firing every ten minutes.</para>
/// <para>Immutable; may be used from any thread.</para>
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

    /// <summary>Reads a schedule.</summary>
    /// <param name="expression">Five or six fields separated by white space, or a name such as <c>@hourly</c>.</param>
    /// <returns>The schedule.</returns>
    /// <exception cref="FormatException">It is none; the message names the field, the position, and what is allowed there.</exception>
    public static CronSchedule Parse(string expression)
    {
        ArgumentNullException.ThrowIfNull(expression);
        return new(expression.Trim(), CronParser.Parse(expression));
    }

    /// <summary>Reads a schedule if it is one.</summary>
    /// <param name="expression">Five or six fields separated by white space, or a name such as <c>@hourly</c>.</param>
    /// <param name="schedule">The schedule, or null when the expression is none.</param>
    /// <returns>Whether it is one. <see cref="Parse"/> says what is wrong.</returns>
    public static bool TryParse([NotNullWhen(true)] string? expression, [NotNullWhen(true)] out CronSchedule? schedule)
    {
        schedule = null;
        if (expression is null) return false;
        try
        {
            schedule = Parse(expression);
            return true;
        }
        catch (FormatException) // the answer is false; whoever wants the reason calls Parse
        {
            return false;
        }
    }

    /// <summary>The first time of the schedule after an instant.</summary>
    /// <param name="after">The instant; a time of the schedule that equals it is not returned.</param>
    /// <param name="zone">The time zone in which the schedule's hours and days are meant.</param>
    /// <returns>The time, to the second, with the zone's offset at that time; null when there is none, ever (<c>0 0 30 2 *</c>), or none
    /// before the year 10000.</returns>
    public DateTimeOffset? GetNext(DateTimeOffset after, TimeZoneInfo zone)
    {
        ArgumentNullException.ThrowIfNull(zone);
        var clock = new CronClock(times, zone);
        return followsWallClock ? clock.NextOnTheWall(after) : clock.NextOfFixedHours(after);
    }

    /// <summary>The expression that was parsed.</summary>
    /// <returns>Such as <c>0 9 * * MON-FRI</c>.</returns>
    public override string ToString() => text;
}
