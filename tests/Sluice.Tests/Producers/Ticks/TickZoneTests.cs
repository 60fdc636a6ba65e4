namespace Sluice.Tests.Producers;

/// <summary>A named cron source in the time zone of its machine.</summary>
public sealed class TickZoneTests
{
    /// <remarks>A service was moved into a container, whose zone is UTC.</remarks>
    [Theory]
    [InlineData("Etc/UTC", 0, "03:00:00 03:00:00")]
    [InlineData("Elsewhere", 1, "03:00:00")]
    public async Task AnotherZoneOfTheMachineIsAnotherSchedule(string id, int hours, string expected)
    {
        await using var lab = new TickLab();
        lab.Wall.Zone = TimeZoneInfo.CreateCustomTimeZone(id, TimeSpan.FromHours(hours), id, id);
        Source<string> source = Source.Cron("clock", "0 3 * * *", lab.Started, new() { Missed = MissedTickPolicy.CatchUp });
        TickLab.Life life = lab.Begin(source);
        await life.PassAsync(TimeSpan.FromMinutes(200));
        await life.StopAsync();
        lab.Wall.Zone = TimeZoneInfo.Utc;
        lab.Pass(TimeSpan.FromDays(1));
        life = lab.Begin(source);
        await life.PassAsync(TimeSpan.FromMinutes(1));
        await life.StopAsync();
        Assert.Equal(expected, string.Join(' ', await lab.AcceptedAsync()));
    }
}
