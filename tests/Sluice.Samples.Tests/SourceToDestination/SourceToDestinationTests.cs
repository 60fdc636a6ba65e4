namespace Sluice.Samples.Tests.SourceToDestination;

public class SourceToDestinationTests
{
    [Fact]
    public async Task TheDifferencesOfTwoTablesArePrinted()
    {
        Ended ended = (await RunAsync("--rows", "30")).Succeeded();
        string[] expected = ["missing 7", "missing 14", "missing 21", "missing 28", "changed 10", "changed 20", "changed 30", "added 31",
            "added 32", "4 missing, 3 changed, 2 added"];
        string[] lines = ended.Output.Split('\n');
        Assert.Equal(expected, lines[..10]);
        Assert.Equal("(Source, Target) | Compare | (LoggerAsync, Notify)", lines[11]);
        Assert.Contains("└─ Notify", ended.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AnExistingDatabaseIsComparedAsItIs()
    {
        string file = Path.Combine(Path.GetTempPath(), $"source-to-destination-{Guid.NewGuid():N}.db");
        try
        {
            (await RunAsync("--database", file, "--rows", "5")).Succeeded();
            Ended again = (await RunAsync("--database", file, "--rows", "100", "--target", "orders")).Succeeded();
            Assert.StartsWith("The tables are equal.\n", again.Output, StringComparison.Ordinal);
            Assert.Contains("no such table: nowhere", (await RunAsync("--database", file, "--source", "nowhere")).OneErrorLine(1,
                "source-to-destination"), StringComparison.Ordinal);
            Assert.Contains("--rows is at least 0.", (await RunAsync("--rows", "-1")).OneErrorLine(2, "source-to-destination"),
                StringComparison.Ordinal);
        }
        finally
        {
            File.Delete(file);
        }
    }

    private static async Task<Ended> RunAsync(params string[] arguments)
    {
        using var process = SampleProcess.Start("SourceToDestination", Path.GetTempPath(), arguments);
        return await process.EndAsync();
    }
}
