namespace Sluice.Torture.Tests;

/// <summary>The torture detects a store that is broken.</summary>
public class BrokenStoreTests
{
    [Theory]
    [InlineData("sqlite", "settle-early", Traits = ["Length", "long"])]
    [InlineData("sqlite", "drop-commit")]
    [InlineData("redis", "drop-commit", Traits = ["Length", "long"])]
    [InlineData("memory", "settle-early", Traits = ["Length", "long"])]
    [InlineData("memory", "drop-commit")]
    public async Task ABrokenStoreIsDetected(string store, string breakage)
    {
        Report report = await TortureProgram.RunAsync("--store", store, "--kills", "3", "--seed", "7", "--items", "200", "--break",
            breakage);

        Assert.True(report.ExitCode == 1, report.ToString());
        Assert.True(report["lost"] > 0, report.ToString());
        Assert.Contains($"repeat: --store {store} --kills ", report.Errors, StringComparison.Ordinal);
    }

    [Long("ABrokenStoreIsDetected; OutageWarningTests of Sluice.Redis.Tests")]
    [Fact]
    public async Task AConsecutorThatGivesUpWhileItsServerIsAwayIsDetected()
    {
        Report report = await TortureProgram.RunAsync("--store", "redis", "--kills", "3", "--seed", "7", "--items", "200", "--break",
            "give-up");

        Assert.True(report.ExitCode == 1, report.ToString());
        Assert.Contains("mismatch: a consecutor gave up: ", report.Errors, StringComparison.Ordinal);
    }
}
