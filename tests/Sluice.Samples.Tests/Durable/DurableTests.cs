namespace Sluice.Samples.Tests.Durable;

public sealed class DurableTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("sluice-durable-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public async Task EachSquareIsWrittenOnceAndInOrderDespiteThreeKills()
    {
        foreach (string until in (string[])["5 * 5 = 25", "20 * 20 = 400", "40 * 40 = 1600"])
        {
            using var process = SampleProcess.Start("Durable", folder);
            await process.ReadUntilAsync(line => line == until);
            process.Kill();
            Assert.Equal(137, (await process.EndAsync()).ExitCode);
        }

        using var last = SampleProcess.Start("Durable", folder);
        string output = (await last.EndAsync()).Succeeded().Output;
        Assert.Contains("goes on: ", output, StringComparison.Ordinal);
        Assert.Contains("done: 100 accepted, 100 completed", output, StringComparison.Ordinal);
        Assert.Equal(["number,square", .. Enumerable.Range(1, 100).Select(static n => $"{n},{n * n}")],
            File.ReadAllLines(Path.Combine(folder, "squares.csv")));
    }

    [Fact]
    public async Task ASecondStartOnTheSameStoreIsRefusedInOneLine()
    {
        using var first = SampleProcess.Start("Durable", folder);
        await first.ReadUntilAsync(line => line == "2 * 2 = 4");
        await first.SignalAsync("STOP");                 // it has the file open, however long the second one takes
        using var second = SampleProcess.Start("Durable", folder);
        Assert.Contains("durable.db is open already, in another process", (await second.EndAsync()).OneErrorLine(1, "durable"),
            StringComparison.Ordinal);
        await first.SignalAsync("CONT");
        (await first.EndAsync()).Succeeded();
    }
}
