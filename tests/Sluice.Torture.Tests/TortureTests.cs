namespace Sluice.Torture.Tests;

/// <summary>Random consecutors that are killed again and again lose no item. A broken store is detected.</summary>
/// <remarks><c>SLUICE_KILLS=…</c> kills more often. Each case has its own pipeline and settings, and two to seven kills.</remarks>
public class TortureTests
{
    private static readonly string? Kills = Environment.GetEnvironmentVariable("SLUICE_KILLS");

    [Fact]
    public async Task KilledProcessesOverSqliteNeitherLoseNorDoubleItems()
        => (await TortureProgram.RunAsync("--store", "sqlite", "--kills", Kills ?? "3", "--seed", "20261120", "--items", "200"))
        .AssertIsGood(atLeast: 250);

    /// <remarks>
    /// The server is killed as well, between and during the lives. Clocks are wrong, the server freezes, members have no names, code
    /// versions rise, calls overlap, and state cannot be written.
    /// </remarks>
    [Fact]
    public async Task AKilledRedisServerWithTroublesNeitherLosesNorDoublesItems()
        => (await TortureProgram.RunAsync("--store", "redis", "--kills", Kills ?? "6", "--seed", "2001", "--items", "100", "--troubles"))
        .AssertIsGood(atLeast: 200, killsServers: true);

    /// <remarks>The server is killed and frozen as well.</remarks>
    [Fact]
    public async Task AKilledPostgreSqlServerWithTroublesNeitherLosesNorDoublesItems()
        => (await TortureProgram.RunAsync("--store", "postgres", "--kills", Kills ?? "3", "--seed", "2001", "--items", "100", "--troubles"))
        .AssertIsGood(atLeast: 90, killsServers: true);

    [Long("the same over Redis and PostgreSQL")]
    [Fact]
    public async Task KilledProcessesWithTroublesNeitherLoseNorDoubleItems()
        => (await TortureProgram.RunAsync("--store", "sqlite", "--kills", Kills ?? "3", "--seed", "33", "--items", "100", "--troubles"))
        .AssertIsGood(atLeast: 100);

    [Fact]
    public async Task KilledConsecutorsInMemoryNeitherLoseNorDoubleItems()
        => (await TortureProgram.RunAsync("--store", "memory", "--kills", Kills ?? $"{Repetitions.Of(12, all: 30)}",
            "--seed", "18446744073709551615"))
        .AssertIsGood(atLeast: 600);

    [Theory]
    [InlineData("--store takes sqlite, redis, postgres or memory", "--store", "paper")]
    [InlineData("unknown option '--stores'", "--stores", "sqlite")]
    [InlineData("--kills takes a whole number from 1 to 1000000, not '-3'", "--kills", "-3")]
    [InlineData("--seed takes a whole number from 0 to 18446744073709551615, not '18446744073709551616'", "--seed", "18446744073709551616")]
    [InlineData("--seed takes a value", "--kills", "1", "--seed")]
    [InlineData("--break takes settle-early, drop-commit or give-up", "--break", "everything")]
    [InlineData("--server takes disk or pair", "--store", "postgres", "--server", "big")]
    [InlineData("--server needs --store postgres", "--store", "redis", "--server", "disk")]
    public async Task AMistakeOnTheCommandLineIsReportedInOneLine(string mistake, params string[] arguments)
    {
        Report report = await TortureProgram.RunAsync(arguments);

        Assert.Equal((2, ""), (report.ExitCode, report.Output));
        Assert.StartsWith($"torture: {mistake} (usage: ", Assert.Single(report.Errors.Split('\n', StringSplitOptions.RemoveEmptyEntries)),
            StringComparison.Ordinal);
    }
}
