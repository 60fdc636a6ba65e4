namespace Sluice.Samples.Tests.Files;

/// <summary>Mistakes on the command line: each is reported in one line.</summary>
public sealed class MistakeTests : IDisposable
{
    private readonly FilesRun run = new();

    public void Dispose() => run.Dispose();

    [Theory]
    [InlineData("--files 0", "--files")]
    [InlineData("--files many", "\"many\"")]
    [InlineData("--files", "--files")]
    [InlineData("--fils 3", "--fils")]
    [InlineData("--store redis", "sqlite:FILE")]
    [InlineData("--store sqlite:", "sqlite:FILE")]
    [InlineData("--store sqlite:.", "is a directory")]
    [InlineData("--store sqlite:nowhere/f.db", "directory does not exist")]
    [InlineData("--store redis:,", "--store")]
    [InlineData("--kill", "--store redis:HOST:PORT")]
    [InlineData("--kill --store sqlite:f.db", "--store redis:HOST:PORT")]
    [InlineData("--input nowhere", "no such directory")]
    [InlineData("--input . --files 3", "--input")]
    [InlineData("--input . --keep", "--keep")]
    [InlineData("--out nowhere/o.csv", "directory does not exist")]
    [InlineData("--out .", "is a directory")]
    [InlineData("--seed -1", "--seed")]
    public async Task AWrongOptionIsReportedInOneLine(string commandLine, string said)
        => Assert.Contains(said, (await run.MistakeAsync(commandLine.Split(' '))).OneErrorLine(2, "files"), StringComparison.Ordinal);

    [Fact]
    public async Task AnUnreachableServerIsReportedInOneLine()
        => Assert.Contains("127.0.0.1:1", (await run.EndAsync("--store", "redis:127.0.0.1:1,connectTimeout=500")).OneErrorLine(1, "files"),
        StringComparison.Ordinal);

    [Fact]
    public async Task HelpNamesEveryOption()
    {
        string output = (await run.EndAsync("--help")).Succeeded().Output;
        foreach (string name in new[] { "--files N", "--input DIR", "--store", "--kill", "--json", "--out FILE.csv", "--keep", "--seed",
            "discover -> read -> extract -> index" })
            Assert.Contains(name, output, StringComparison.Ordinal);
        Assert.DoesNotContain("[service]", output, StringComparison.Ordinal);
    }
}
