using System.Globalization;

namespace Sluice.Tests;

public class CronScheduleTests
{
    // 15 January 2026 is a Thursday.
    [Theory]
    [InlineData("* * * * *", "2026-01-15 12:31:00")]
    [InlineData("* * * * * *", "2026-01-15 12:30:46")]
    [InlineData("*/20 * * * * *", "2026-01-15 12:31:00")]
    [InlineData("30 12 * * *", "2026-01-16 12:30:00")]
    [InlineData("15/20 * * * *", "2026-01-15 12:35:00")]
    [InlineData("0 22-2/2 * * *", "2026-01-15 22:00:00")]
    [InlineData("0 9,17 * * MON-FRI", "2026-01-15 17:00:00")]
    [InlineData("0 9 * * fri-mon", "2026-01-16 09:00:00")]
    [InlineData("0 0 * * 7", "2026-01-18 00:00:00")]
    [InlineData("0 0 * * 5-7/2", "2026-01-16 00:00:00")]
    [InlineData("0 0 ? jun,DEC ?", "2026-06-01 00:00:00")]
    [InlineData("0 0 1 1 *", "2027-01-01 00:00:00")]
    [InlineData("59 59 23 31 12 *", "2026-12-31 23:59:59")]
    [InlineData("0 0 29 2 *", "2028-02-29 00:00:00")]
    [InlineData("0 0 29 2 */7", "2032-02-29 00:00:00")]
    [InlineData("0 0 L * *", "2026-01-31 00:00:00")]
    [InlineData("0 0 L-3 2 *", "2026-02-25 00:00:00")]
    [InlineData("0 0 LW * *", "2026-01-30 00:00:00")]
    [InlineData("0 0 17W * *", "2026-01-16 00:00:00")]
    [InlineData("0 0 18W * *", "2026-01-19 00:00:00")]
    [InlineData("0 0 1W 8 *", "2026-08-03 00:00:00")]
    [InlineData("0 0 31W 5 *", "2026-05-29 00:00:00")]
    [InlineData("0 0 31W 2-4 *", "2026-03-31 00:00:00")]
    [InlineData("0 0 * * FRIL", "2026-01-30 00:00:00")]
    [InlineData("0 0 * * 5#3", "2026-01-16 00:00:00")]
    [InlineData("0 0 * * SUN#5", "2026-03-29 00:00:00")]
    [InlineData("0 0 20 * FRI", "2026-01-16 00:00:00")]
    [InlineData("0 0 13 * MON", "2026-01-19 00:00:00")]
    [InlineData("0 0 */2 * MON", "2026-01-19 00:00:00")]
    [InlineData("  @Hourly ", "2026-01-15 13:00:00")]
    [InlineData("@daily", "2026-01-16 00:00:00")]
    [InlineData("@weekly", "2026-01-18 00:00:00")]
    [InlineData("@monthly", "2026-02-01 00:00:00")]
    [InlineData("@yearly", "2027-01-01 00:00:00")]
    public void AnExpressionYieldsItsNextTime(string expression, string expected)
    {
        var after = new DateTimeOffset(2026, 1, 15, 12, 30, 45, 500, TimeSpan.Zero);
        var next = CronSchedule.Parse(expression).GetNext(after, TimeZoneInfo.Utc);

        Assert.Equal(expected, next?.ToString("yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture));
    }

    [Theory]
    [InlineData("0 0 30 2 *")]
    [InlineData("0 0 31 4,6,9,11 *")]
    [InlineData("0 0 30W 2 *")]
    [InlineData("0 0 L-29 2 *")]
    [InlineData("* * * 31 2 *")]
    public void AScheduleThatNeverFiresHasNoNextTime(string expression)
        => Assert.Null(CronSchedule.Parse(expression).GetNext(DateTimeOffset.UnixEpoch, TimeZoneInfo.Utc));

    [Theory]
    [InlineData("0 25 * * *", "hour field \"25\"", "has the value 25, which is out of range (at character 3). Allowed: 0-23, *, ranges")]
    [InlineData("0 0 1,32 * *", "day of month field \"1,32\"", "the value 32, which is out of range (at character 7). Allowed: 1-31,")]
    [InlineData("61 * * * * *", "second field \"61\"", "at character 1")]
    [InlineData("* * * JAM *", "month field \"JAM\"", "has \"JAM\" in the place of a value (at character 7). Allowed: 1-12, JAN-DEC")]
    [InlineData("*/0 * * * *", "minute field", "has the step 0; a step is 1-60 (at character 3)")]
    [InlineData("*/ * * * *", "minute field", "lacks a step, 1-60 (at character 3)")]
    [InlineData("1-x * * * *", "minute field", "has \"x\" in the place of a value (at character 3)")]
    [InlineData("? * * * *", "minute field", "has \"?\" in the place of a value")]
    [InlineData("1,,2 * * * *", "minute field", "has an empty item in its list (at character 3)")]
    [InlineData("* * * * FRI#6", "day of week field", "has the number 6, where 1-5 is allowed (at character 13)")]
    [InlineData("* * * * L", "day of week field", "has \"L\" in the place of a value")]
    [InlineData("* * L-31 * *", "day of month field", "has the number 31, where 1-30 is allowed (at character 7)")]
    [InlineData("* * * *", "has 4 fields", "5 are needed (minute, hour")]
    [InlineData("* * * * * * *", "has 7 fields", "or 6 with the second first")]
    [InlineData("", "has 0 fields", "5 are needed")]
    [InlineData("@never", "not one of the names", "@hourly")]
    [InlineData("+1 * * * *", "minute field", "has \"+1\"")]
    [InlineData("99999999999 * * * *", "minute field", "in the place of a value")]
    public void AParseErrorNamesTheFieldThePositionAndTheAllowedValues(string expression, string field, string problem)
    {
        var message = Assert.Throws<FormatException>(() => CronSchedule.Parse(expression)).Message;

        Assert.Contains(field, message, StringComparison.Ordinal);
        Assert.Contains(problem, message, StringComparison.Ordinal);
        Assert.Contains(expression, message, StringComparison.Ordinal);
        Assert.False(CronSchedule.TryParse(expression, out _));
    }

    [Fact]
    public void AScheduleIsShownByItsTrimmedExpression()
    {
        Assert.True(CronSchedule.TryParse(" 0 9 * * MON-FRI ", out var schedule));
        Assert.Equal("0 9 * * MON-FRI", schedule.ToString());
        Assert.False(CronSchedule.TryParse(null, out _));
    }

    [Fact]
    public void NoTimeFollowsTheEndOfTheCalendar()
    {
        var zones = new[] { 14, 0, -12 }.Select(hours => TimeZoneInfo.CreateCustomTimeZone($"{hours}", TimeSpan.FromHours(hours), null,
            null));
        foreach (var zone in zones)
            foreach (var expression in new[] { "* * * * * *", "59 59 23 * * *", "0 0 1 1 *" })
            {
                var schedule = CronSchedule.Parse(expression);
                Assert.Null(schedule.GetNext(DateTimeOffset.MaxValue, zone));
                Assert.NotNull(schedule.GetNext(DateTimeOffset.MinValue, zone));
            }
    }
}
