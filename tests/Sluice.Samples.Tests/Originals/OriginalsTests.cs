namespace Sluice.Samples.Tests.Originals;

public sealed class OriginalsTests
{
    [Fact]
    public async Task EveryExampleOfTheOriginalsHasTheSameOutput()
    {
        Ended ended = await RunAsync();

        string[] lines = ended.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.All(lines, line => Assert.EndsWith(" ok", line, StringComparison.Ordinal));
        foreach (string original in new[] { "aiodag/", "fastdag/", "async-data-flow/", "consecution/", "datagraph/" })
            Assert.Contains(lines, line => line.StartsWith(original, StringComparison.Ordinal));
        Assert.InRange(lines.Length, 12, 1000);
        Assert.Equal(lines.Length, lines.Distinct().Count());
        ended.SucceededWithFailedItems();
    }

    [Fact]
    public async Task AnExampleCanBeRunByItsName()
        => Assert.Equal("consecution/map ok\n", (await RunAsync("consecution/map")).Succeeded().Output);

    [Fact]
    public async Task AMistakeIsReportedInOneLine()
        => Assert.Contains("aiodag/etl, ", (await RunAsync("aiodag/el")).OneErrorLine(2, "originals"), StringComparison.Ordinal);

    private static async Task<Ended> RunAsync(params string[] arguments)
    {
        using var process = SampleProcess.Start("Originals", Path.GetTempPath(), arguments);
        return await process.EndAsync();
    }
}
