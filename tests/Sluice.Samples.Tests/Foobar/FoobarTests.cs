namespace Sluice.Samples.Tests.Foobar;

/// <summary>The smallest flow, run by its command line.</summary>
public sealed class FoobarTests
{
    [Theory]
    [InlineData("", "0 2 4 6 8")]
    [InlineData("--foo 3 --multiplier 7", "0 7 14")]
    [InlineData("--foo 3 --multiplier 7 --processes 2", "0 7 14")]
    [InlineData("--executor python", "0 2 4 6 8")]
    [InlineData("--executor python --foo 3 --multiplier 7 --processes 2", "0 7 14")]
    public async Task MultiplesArePrintedOnePerLine(string commandLine, string expected)
    {
        var ended = await RunAsync(commandLine);
        Assert.Equal(expected, string.Join(' ', ended.Succeeded().Output.Split('\n', StringSplitOptions.RemoveEmptyEntries)));
    }

    [Fact]
    public async Task AnEmptyOutputCausesAWarning()
    {
        var ended = await RunAsync("--foo 0");
        Assert.Equal((0, ""), (ended.ExitCode, ended.Output));
        Assert.Contains("has ended and has put out nothing to bar.", ended.Errors, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("--executor python")]
    public async Task AnInterruptEndsItWithoutAStackTrace(string commandLine)
    {
        using var process = SampleProcess.Start("Foobar", Path.GetTempPath(),
            ["--foo", $"{int.MaxValue}", .. commandLine.Split(' ', StringSplitOptions.RemoveEmptyEntries)]);
        await process.ReadUntilAsync(static line => line == "10");
        await process.SignalAsync("INT");
        Ended ended = await process.EndAsync();
        Assert.True(ended.ExitCode == 130, $"exit code {ended.ExitCode}\n{ended.Errors}");
        Assert.DoesNotContain("Unhandled", ended.Errors, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", ended.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task PythonThatIsNotThereIsOneSentenceAndNoStackTrace()
    {
        using var process = SampleProcess.StartProgram(Path.GetTempPath(), "env", "PATH=/nowhere",
            Path.Combine(SampleProcess.DirectoryOf("Foobar"), "Foobar"), "--executor", "python");
        var ended = await process.EndAsync();
        Assert.Equal((1, ""), (ended.ExitCode, ended.Output));
        Assert.EndsWith("the processor foobar has: The Python interpreter python3 was not found. Install it (on Debian: apt-get install "
            + "python3), or say where it is: PythonOptions.Interpreter, or PythonOptions.VirtualEnvironment.", ended.Errors.TrimEnd(),
            StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", ended.Errors, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--foo -1", "--foo must be a whole number from 0 to 2147483647, not \"-1\".")]
    [InlineData("--foo many", "--foo must be a whole number from 0 to 2147483647, not \"many\".")]
    [InlineData("--multiplier 99999999999", "--multiplier must be a whole number from -2147483648 to 2147483647, not \"99999999999\".")]
    [InlineData("--processes 300", "--processes must be a whole number from 0 to 256, not \"300\".")]
    [InlineData("--executor ruby", "--executor must be local or python, not \"ruby\".")]
    [InlineData("--fool 3", "Unrecognized command or argument '--fool'.")]
    public async Task AMistakeIsReportedInOneLine(string commandLine, string expected)
    {
        var ended = await WarmProgram.RunAsync("Foobar", Path.GetTempPath(), commandLine.Split(' '));
        Assert.Equal((2, "", $"foobar: {expected} See --help.\n"), (ended.ExitCode, ended.Output, ended.Errors.ReplaceLineEndings("\n")));
    }

    private static async Task<Ended> RunAsync(string commandLine)
    {
        using var process = SampleProcess.Start("Foobar", Path.GetTempPath(),
            commandLine.Split(' ', StringSplitOptions.RemoveEmptyEntries));
        return await process.EndAsync();
    }
}
