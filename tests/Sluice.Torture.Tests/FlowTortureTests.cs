namespace Sluice.Torture.Tests;

/// <summary>Flows whose services are processes that are killed at random moments. The results equal those of an undisturbed run.</summary>
public class FlowTortureTests
{
    private static readonly string Runs = Environment.GetEnvironmentVariable("SLUICE_KILLS") ?? "1";

    /// <remarks><c>SLUICE_KILLS=…</c> makes as many runs, each with other kills.</remarks>
    [Long("the known flows over PostgreSQL")]
    [Fact]
    public async Task ResultsAreTheSameWhicheverServiceIsKilled()
    {
        Report report = await TortureProgram.RunFlowsAsync("--runs", Runs, "--seed", "20261121", "--kills", "1", "--items", "100");

        Assert.True(report.ExitCode == 0, report.ToString());
        Assert.Equal((Runs, 0, 0, 0), ($"{report["runs"]}", report["different"], report["hung"], report["failed"]));
        Assert.True(report["fewest-kills-of-a-service"] > 0, report.ToString());
        Assert.All(["resumed-from-scratch", "resumed-per-item", "resumed-at-checkpoint"],
            way => Assert.True(report[way] > 0, report.ToString()));
    }

    [Fact]
    public async Task ResultsAreTheSameOverPostgres()
    {
        Report report = await TortureProgram.RunFlowsAsync("--store", "postgres", "--known", "--runs", "1", "--seed", "1", "--kills", "1",
            "--items", "12");

        Assert.True(report.ExitCode == 0, report.ToString());
        Assert.True(report["kills"] > 0, report.ToString());
    }

    [Fact]
    public async Task AFunctionThatKeepsStateBetweenItemsIsDetected()
    {
        Report report = await TortureProgram.RunFlowsAsync("--known", "--runs", "1", "--seed", "1", "--kills", "1", "--items", "100",
            "--break", "carry-over");

        Assert.Equal((1, 1), (report.ExitCode, report["different"]));
        Assert.Contains("repeat: --runs 1 --seed 1 --items 100 --kills 1 --known --break carry-over", report.Errors,
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task AMistakeOnTheCommandLineIsReportedInOneLine()
    {
        Report report = await TortureProgram.RunFlowsAsync("--runs", "0");

        Assert.Equal((2, ""), (report.ExitCode, report.Output));
        Assert.StartsWith("flow torture: --runs takes a whole number from 1 to 1000000, not '0' (usage: ",
            Assert.Single(report.Errors.Split('\n', StringSplitOptions.RemoveEmptyEntries)), StringComparison.Ordinal);
    }
}
