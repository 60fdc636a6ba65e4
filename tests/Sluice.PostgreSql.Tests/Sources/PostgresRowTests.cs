namespace Sluice.PostgreSql.Tests;

public class PostgresRowTests
{
    /// <remarks>Formerly it was in the time zone of the process: a key that was made of it differed between two services.</remarks>
    [Theory]
    [InlineData("2026-11-20 09:00:00+00", DateTimeKind.Utc)]
    [InlineData("2026-11-20 11:30:00+02:30", DateTimeKind.Utc)]
    [InlineData("2026-11-20 09:00:00", DateTimeKind.Unspecified)]
    public void ATimeWithAnOffsetIsInUtc(string text, DateTimeKind kind)
    {
        DateTime at = new PostgresRow(["at"], [text]).Get<DateTime>("at");
        Assert.Equal((new DateTime(2026, 11, 20, 9, 0, 0), kind), (at, at.Kind));
    }

    [Theory]
    [InlineData("2026-11-20 09:00:00", 0)]
    [InlineData("2026-11-20 11:30:00+02:30", 150)]
    public void ATimeWithoutAnOffsetIsOneOfUtc(string text, int minutes)
    {
        DateTimeOffset at = new PostgresRow(["at"], [text]).Get<DateTimeOffset>("at");
        Assert.Equal((new DateTime(2026, 11, 20, 9, 0, 0), TimeSpan.FromMinutes(minutes)), (at.UtcDateTime, at.Offset));
    }
}
