namespace Sluice.Samples.Tests.Airports;

public sealed class ProgressTests : AirportsRun
{
    [Fact]
    public async Task ProgressWithoutATerminalIsPlainLines()
    {
        var output = (await RunAsync("--no-db")).Succeeded().Output;
        Assert.StartsWith("0 of 45 pairs\n", output);
        Assert.Contains("\n45 of 45 pairs\n", output);
        Assert.DoesNotContain("\u001b", output);
    }

    [Fact]
    public async Task TheNoProgressOptionHidesProgress()
    {
        var output = (await RunAsync("--no-db", "--no-progress")).Succeeded().Output;
        Assert.DoesNotContain("45 of 45 pairs\n", output);
    }

    [Fact]
    public async Task ProgressOnATerminalIsABar()
    {
        if (!File.Exists("/usr/bin/script")) Assert.Skip("script (of util-linux), which plays the terminal, is not installed");
        var command = $"TERM=xterm LC_ALL=C.UTF-8 {SampleProcess.CommandLine("Airports", ["--no-db"])}";
        using var process = SampleProcess.StartProgram(Folder, "script", "-qec", command, "/dev/null");
        var ended = (await process.EndAsync()).Succeeded();
        Assert.Contains("\u001b[", ended.Output);
        Assert.Contains("━━━━", ended.Output);
        Assert.Contains("100%", ended.Output);
        Assert.Equal(45, ReadCsv().Length);
    }
}
