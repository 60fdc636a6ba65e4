namespace Sluice.Torture.Tests;

/// <summary>Random consecutors that are killed again and again lose no item. A broken store is detected.</summary>
public class TortureTests
{
    [Fact]
    public async Task KilledProcessesOverSqliteNeitherLoseNorDoubleItems()
        => IsGood(await TortureProgram.RunAsync("--store", "sqlite", "--kills", "30", "--seed", "20261120", "--items", "200"),
        atLeast: 1000);

    /// <remarks>
    /// The server is killed as well, between and during the lives. Clocks are wrong, the server freezes, members have no names, code
    /// versions rise, calls overlap, and state cannot be written.
    /// </remarks>
    [Fact]
    public async Task AKilledRedisServerWithTroublesNeitherLosesNorDoublesItems()
        => IsGood(await TortureProgram.RunAsync("--store", "redis", "--kills", "20", "--seed", "2001", "--items", "200", "--troubles"),
        atLeast: 800);

    [Fact]
    public async Task KilledProcessesWithTroublesNeitherLoseNorDoubleItems()
        => IsGood(await TortureProgram.RunAsync("--store", "sqlite", "--kills", "20", "--seed", "33", "--items", "100", "--troubles"),
        atLeast: 200);

    [Fact]
    public async Task KilledConsecutorsInMemoryNeitherLoseNorDoubleItems()
        => IsGood(await TortureProgram.RunAsync("--store", "memory", "--kills", "50", "--seed", "18446744073709551615"), atLeast: 1000);

    /// <remarks>
    /// The process dies before each call, inside its transaction, or after the transaction but before the answer. This test uses every
    /// fourth of these places; <c>--kills 1000</c> uses all of them.
    /// </remarks>
    [Fact]
    public async Task AProcessThatDiesAtAnyStoreCallLosesNothing()
    {
        Report report = await TortureProgram.RunAsync("--store", "sqlite", "--kills", "35", "--seed", "3", "--items", "4", "--sweep");

        IsGood(report, atLeast: 50);
        foreach (string call in new[] { "AppendAsync", "AcquireAsync", "AcquireQuarantineAsync", "LeaseAsync", "CommitAsync",
            "RedriveAsync", "ReleaseAsync", "LeaveAsync" })
            Assert.Contains($" {call} ", report.Errors, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("sqlite", "settle-early")]
    [InlineData("sqlite", "drop-commit")]
    [InlineData("redis", "drop-commit")]
    [InlineData("memory", "settle-early")]
    [InlineData("memory", "drop-commit")]
    public async Task ABrokenStoreIsDetected(string store, string breakage)
    {
        Report report = await TortureProgram.RunAsync("--store", store, "--kills", "3", "--seed", "7", "--items", "200", "--break",
            breakage);

        Assert.True(report.ExitCode == 1, report.ToString());
        Assert.True(report["lost"] > 0, report.ToString());
        Assert.Contains($"repeat: --store {store} --kills ", report.Errors, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--store takes sqlite, redis or memory", "--store", "paper")]
    [InlineData("unknown option '--stores'", "--stores", "sqlite")]
    [InlineData("--kills takes a whole number from 1 to 1000000, not '-3'", "--kills", "-3")]
    [InlineData("--seed takes a whole number from 0 to 18446744073709551615, not '18446744073709551616'", "--seed", "18446744073709551616")]
    [InlineData("--seed takes a value", "--kills", "1", "--seed")]
    [InlineData("--break takes settle-early or drop-commit", "--break", "everything")]
    public async Task AMistakeOnTheCommandLineIsReportedInOneLine(string mistake, params string[] arguments)
    {
        Report report = await TortureProgram.RunAsync(arguments);

        Assert.Equal((2, ""), (report.ExitCode, report.Output));
        Assert.StartsWith($"torture: {mistake} (usage: ", Assert.Single(report.Errors.Split('\n', StringSplitOptions.RemoveEmptyEntries)),
            StringComparison.Ordinal);
    }

    private static void IsGood(Report report, int atLeast)
    {
        Assert.True(report.ExitCode == 0, report.ToString());
        Assert.Equal((0, 0, 0), (report["lost"], report["duplicated-in-store"], report["state-mismatch"]));
        Assert.InRange(report["completed"], atLeast, report["accepted"]);
        Assert.Equal(report["accepted"], report["completed"] + report["dead"]);
    }
}
