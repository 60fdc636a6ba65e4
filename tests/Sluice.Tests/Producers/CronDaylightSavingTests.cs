using System.Globalization;

namespace Sluice.Tests;

/// <summary>A zone like central Europe's: 02:00 to 03:00 does not exist on 29 March 2026 and exists twice on 25 October.</summary>
public class CronDaylightSavingTests
{
    private static readonly TimeZoneInfo Zone = MakeZone(TimeSpan.FromHours(1));

    [Fact]
    public void ASkippedTimeFiresAtTheEndOfTheGap()
        => Assert.Equal(["03-28 02:30 +01:00", "03-29 03:00 +02:00", "03-30 02:30 +02:00"], Times("30 2 * * *", "2026-03-27T12:00Z", 3));

    [Fact]
    public void SeveralSkippedTimesFireOnceAtTheEndOfTheGap()
        => Assert.Equal(["03-29 03:00 +02:00", "03-29 03:15 +02:00"], Times("*/15 2,3 * * *", "2026-03-29T00:00Z", 2));

    [Fact]
    public void ARepeatedTimeFiresAtItsFirstOccurrence()
        => Assert.Equal(
            ["10-25 02:00 +02:00", "10-25 02:30 +02:00", "10-26 02:00 +01:00"], Times("0,30 2 * * *", "2026-10-24T12:00Z", 3));

    [Fact]
    public void AStartInTheRepeatedHourDoesNotFireATimeAgain()
        => Assert.Equal(["10-25 03:30 +01:00"], Times("30 2,3 * * *", "2026-10-25T01:10Z", 1));

    [Fact]
    public void AnIntervalContinuesThroughBothClockChanges()
    {
        Assert.Equal(["03-29 01:30 +01:00", "03-29 03:00 +02:00", "03-29 03:30 +02:00"], Times("*/30 * * * *", "2026-03-29T00:15Z", 3));
        Assert.Equal(
            ["10-25 02:00 +02:00", "10-25 02:30 +02:00", "10-25 02:00 +01:00", "10-25 02:30 +01:00", "10-25 03:00 +01:00"],
            Times("*/30 * * * *", "2026-10-24T23:45Z", 5));
    }

    // An independent check: walks over every minute of two weeks and judges it by the time on the wall clock.
    [Fact]
    public void RandomSchedulesAgreeWithAWalkOverEveryMinute()
    {
        var random = new Random(20261025);
        var zones = new[] { TimeZoneInfo.Utc, Zone, MakeZone(TimeSpan.FromMinutes(30)), MakeZone(TimeSpan.FromHours(-1)) };
        for (var round = 0; round < 600; round++)
        {
            var zone = zones[random.Next(zones.Length)];
            var start = new DateTime(2026, random.Next(2) == 0 ? 3 : 10, random.Next(20, 29), random.Next(24), random.Next(60), 0,
                DateTimeKind.Utc);
            var (minutes, hours, weekdays) = (Some(60), random.Next(2) == 0 ? null : Some(24), random.Next(3) == 0 ? Some(7) : null);
            var text = $"{Field(minutes)} {Field(hours)} * * {Field(weekdays)}";

            var actual = CronSchedule.Parse(text).GetNext(start, zone);

            var expected = Walk(start, zone, hours is not null, local => (minutes is null || minutes.Contains(local.Minute))
                && (hours is null || hours.Contains(local.Hour)) && (weekdays is null || weekdays.Contains((int)local.DayOfWeek)));
            Assert.True(expected == actual?.UtcDateTime, $"{text} after {start:O} in {zone.Id}: {actual:O} instead of {expected:O}");
            Assert.Equal(zone.GetUtcOffset(actual!.Value), actual.Value.Offset);
        }

        int[]? Some(int count) => [.. Enumerable.Range(0, random.Next(1, 4)).Select(_ => random.Next(count))];
        static string Field(int[]? values) => values is null ? "*" : string.Join(',', values);
    }

    private static DateTime? Walk(DateTime start, TimeZoneInfo zone, bool fixedHours, Func<DateTime, bool> matches)
    {
        var highest = DateTime.MinValue; // the latest time that the wall clock has shown
        for (var instant = start.AddDays(-2); instant < start.AddDays(14); instant = instant.AddMinutes(1))
        {
            var local = instant + zone.GetUtcOffset(instant);
            var fires = matches(local);
            if (fixedHours)
            {
                fires &= local > highest; // a time shown before has fired before
                for (var skipped = highest.AddMinutes(1); highest > DateTime.MinValue && skipped < local; skipped = skipped.AddMinutes(1))
                    fires |= matches(skipped);
            }

            if (local > highest) highest = local;
            if (fires && instant > start) return instant;
        }

        return null;
    }

    private static List<string> Times(string expression, string after, int count)
    {
        var schedule = CronSchedule.Parse(expression);
        var times = new List<string>();
        var last = DateTimeOffset.Parse(after, CultureInfo.InvariantCulture);
        for (var i = 0; i < count; i++)
        {
            last = schedule.GetNext(last, Zone)!.Value;
            times.Add(last.ToString("MM-dd HH:mm zzz", CultureInfo.InvariantCulture));
        }

        return times;
    }

    // Made here, so that the tests do not depend on the machine's zones.
    private static TimeZoneInfo MakeZone(TimeSpan delta)
    {
        var march = TimeZoneInfo.TransitionTime.CreateFloatingDateRule(new(1, 1, 1, 2, 0, 0), 3, 5, DayOfWeek.Sunday);
        var october = TimeZoneInfo.TransitionTime.CreateFloatingDateRule(new(1, 1, 1, 3, 0, 0), 10, 5, DayOfWeek.Sunday);
        var rule = TimeZoneInfo.AdjustmentRule.CreateAdjustmentRule(DateTime.MinValue.Date, DateTime.MaxValue.Date, delta, march, october);
        return TimeZoneInfo.CreateCustomTimeZone($"Test/{delta}", TimeSpan.FromHours(1), "Test", "Test", "Test", [rule]);
    }
}
