namespace Sluice.PostgreSql.Tests.Sources;

/// <summary>Options that no timer or server can serve are refused by name, not in the middle of a run.</summary>
public class SourceOptionTests
{
    /// <summary>Timers cut less than a millisecond to zero: the source would ask without a pause, or never begin.</summary>
    [Fact]
    public void IntervalsThatTimersCutToZeroAreRefused()
    {
        var few = new TimeSpan(5);
        Refuses("PostgresChangesOptions.AcknowledgeInterval", () => new PostgresChangesOptions { AcknowledgeInterval = few });
        Refuses("PostgresChangesOptions.HeartbeatInterval", () => new PostgresChangesOptions { HeartbeatInterval = few });
        Refuses("PostgresTableOptions.PollInterval", () => new PostgresTableOptions { PollInterval = few });
        TimeSpan shortest = TimeSpan.FromMilliseconds(1);
        Assert.Equal(shortest, new PostgresChangesOptions { AcknowledgeInterval = shortest }.AcknowledgeInterval);
    }

    [Fact]
    public void ATimeThatTheServerCannotSubtractIsRefused()
    {
        Refuses("PostgresTableOptions.QuietDuration", static () => new PostgresTableOptions { QuietDuration = TimeSpan.MaxValue });
        TimeSpan longest = TimeSpan.FromDays(36_500);
        Assert.Equal(longest, new PostgresTableOptions { QuietDuration = longest }.QuietDuration);
    }

    private static void Refuses(string name, Func<object> make) => Assert.Throws<ArgumentOutOfRangeException>(name, make);
}
