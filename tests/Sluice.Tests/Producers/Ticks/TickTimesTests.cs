using Sluice.Producers;

namespace Sluice.Tests.Producers;

/// <summary>The next tick for a schedule, the last tick that fired, and a clock.</summary>
public class TickTimesTests
{
    private static readonly string[] Schedules = ["* * * * * *", "*/7 * * * *", "0 3 * * *", "0 0 1 * *", "0 12 29 2 *",
        "15 10 * * MON-FRI", "30 2 * * *"];

    [Fact]
    public void TheNextTickMatchesASearchThroughAllMissedTicks()
    {
        var random = new Random(4);
        TimeZoneInfo berlin = TimeZoneInfo.FindSystemTimeZoneById("Europe/Berlin");
        for (int round = 0; round < 2_000; round++)
        {
            CronSchedule schedule = CronSchedule.Parse(Schedules[random.Next(Schedules.Length)]);
            DateTimeOffset? Next(DateTimeOffset after) => schedule.GetNext(after, berlin);
            DateTimeOffset last = new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero).AddSeconds(random.Next(40_000_000));
            DateTimeOffset now = last.AddSeconds(Math.Pow(10, random.NextDouble() * 4.5));
            int most = random.Next(1, 20);
            List<DateTimeOffset> missed = [];
            for (DateTimeOffset? tick = Next(last); tick <= now; tick = Next(tick.Value)) missed.Add(tick.Value);

            var times = new TickTimes(Next, new() { Missed = MissedTickPolicy.CatchUp, MaxMissed = most });
            Assert.Equal(missed.Count == 0 ? Next(last) : missed[^Math.Min(most, missed.Count)], times.After(last, now));
            Assert.Equal(Next(last), new TickTimes(Next, new() { Missed = MissedTickPolicy.CatchUp }).After(last, now));
            Assert.Equal(Next(now), new TickTimes(Next, new()).After(last, now));
            // the clock was set back
            Assert.Equal(Next(now), new TickTimes(Next, new() { Missed = MissedTickPolicy.CatchUp }).After(now, last));
            Assert.Equal(Next(now), new TickTimes(Next, new()).After(now, last));
        }
    }

    [Fact]
    public void TheLatestOfManyMissedTicksAreFoundWithFewLookups()
    {
        int asked = 0;
        CronSchedule everySecond = CronSchedule.Parse("* * * * * *");
        DateTimeOffset last = new(2006, 1, 1, 0, 0, 0, TimeSpan.Zero), now = last.AddYears(20);
        var times = new TickTimes(after =>
        {
            asked++;
            return everySecond.GetNext(after, TimeZoneInfo.Utc);
        }, new() { Missed = MissedTickPolicy.CatchUp, MaxMissed = 100 });
        Assert.Equal(now.AddSeconds(-99), times.After(last, now));
        Assert.InRange(asked, 100, 1_000);
    }
}
