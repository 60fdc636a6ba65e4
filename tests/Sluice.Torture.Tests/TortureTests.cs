namespace Sluice.Torture.Tests;

/// <summary>Random consecutors, killed again and again, lose nothing; a store that does not keep its promise is found out.</summary>
public class TortureTests
{
    [Fact]
    public async Task NothingIsLostOrDoubledInProcessesThatAreKilled()
        => IsGood(await TortureProgram.RunAsync("--store", "sqlite", "--kills", "50", "--seed", "20261120"), atLeast: 1000);

    [Fact]
    public async Task NothingIsLostOrDoubledAroundAStoreInMemory()
        => IsGood(await TortureProgram.RunAsync("--store", "memory", "--kills", "50", "--seed", "9223372036854775807"), atLeast: 1000);

    [Fact]
    public async Task AProcessMayDieAtEveryPlaceOfItsCallsToTheStore()
        => IsGood(await TortureProgram.RunAsync("--store", "sqlite", "--kills", "75", "--case", "3", "--seed", "20261120", "--sweep"), atLeast: 100);

    [Theory]
    [InlineData("sqlite", "settle-early")]
    [InlineData("sqlite", "drop-commit")]
    [InlineData("memory", "settle-early")]
    [InlineData("memory", "drop-commit")]
    public async Task ABrokenStoreIsFoundOut(string store, string breakage)
    {
        Report report = await TortureProgram.RunAsync("--store", store, "--kills", "3", "--seed", "7", "--items", "200", "--break", breakage);

        Assert.True(report.ExitCode == 1, report.ToString());
        Assert.True(report["lost"] > 0, report.ToString());
    }

    [Fact]
    public async Task AMistakeOnTheCommandLineIsNamed()
    {
        Report report = await TortureProgram.RunAsync("--store", "paper");

        Assert.Equal(2, report.ExitCode);
        Assert.Contains("--store takes sqlite or memory", report.Errors, StringComparison.Ordinal);
    }

    private static void IsGood(Report report, int atLeast)
    {
        Assert.True(report.ExitCode == 0, report.ToString());
        Assert.Equal((0, 0, 0), (report["lost"], report["duplicated-in-store"], report["state-mismatch"]));
        Assert.InRange(report["completed"], atLeast, report["accepted"]);
        Assert.Equal(report["accepted"], report["completed"] + report["dead"]);
    }
}
