namespace Sluice.Samples.Tests.Foobar;

/// <summary>The smallest flow, by its command line.</summary>
public sealed class FoobarTests
{
    [Theory]
    [InlineData("", "0 2 4 6 8")]
    [InlineData("--foo 3 --multiplier 7", "0 7 14")]
    [InlineData("--foo 3 --multiplier 7 --processes 2", "0 7 14")]
    public async Task MultiplesArePrintedOneALine(string commandLine, string expected)
    {
        var ended = await RunAsync(commandLine);
        Assert.Equal(expected, string.Join(' ', ended.Succeeded().Output.Split('\n', StringSplitOptions.RemoveEmptyEntries)));
    }

    [Fact]
    public async Task AnOutputThatStaysEmptyIsWarnedOf()
    {
        var ended = await RunAsync("--foo 0");
        Assert.Equal((0, ""), (ended.ExitCode, ended.Output));
        Assert.Contains("has ended and has put out nothing to bar.", ended.Errors, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--foo -1", "--foo must be zero or more.")]
    [InlineData("--foo many", "many")]
    [InlineData("--processes 300", "--processes must be from 0 to 256.")]
    public async Task AMistakeIsSaid(string commandLine, string expected)
    {
        var ended = await RunAsync(commandLine);
        Assert.NotEqual(0, ended.ExitCode);
        Assert.Contains(expected, ended.Errors, StringComparison.Ordinal);
    }

    private static async Task<Ended> RunAsync(string commandLine)
    {
        using var process = SampleProcess.Start("Foobar", Path.GetTempPath(), commandLine.Split(' ', StringSplitOptions.RemoveEmptyEntries));
        return await process.EndAsync();
    }
}
