using Sluice.Samples.Tests;

namespace Sluice.Terminal.Tests;

/// <summary>Programs that show progress, as processes on a terminal that <c>script</c> gives them, or without one.</summary>
[StartsProcesses]
public sealed class RealTerminalTests : IDisposable
{
    private readonly DirectoryInfo directory = Directory.CreateTempSubdirectory("sluice-progress-");

    [Fact]
    public async Task LinesOfTheProgramStayAboveTheDisplay()
    {
        VirtualTerminal screen = Screen((await RunOnTerminalAsync("prints")).Succeeded());
        string[] numbers = [.. screen.Lines.Where(static line => line.Contains("number ", StringComparison.Ordinal))];
        Assert.Equal(["number 1", "number 2", "number 3", "not completenumber 4", "number 5", "number 6"], numbers);
        int last = Array.IndexOf(screen.Lines, "number 6");
        Assert.StartsWith("printed  completed", screen.Lines[last + 1], StringComparison.Ordinal);
        Assert.Single(screen.Lines, static line => line.StartsWith("printed", StringComparison.Ordinal));
        Assert.Equal("the end", screen.Lines[^1]);
    }

    [Theory]
    [InlineData("fails", "numbers  failed", "no luck [2J with seven")]
    [InlineData("nothing", "numbers  completed", "0 of 1 items")]
    [InlineData("two", "first  completed", "second  completed")]
    [InlineData("left", "left  completed", "10 items")]
    public async Task EndingsAreShown(string program, params string[] parts)
    {
        VirtualTerminal screen = Screen((await RunOnTerminalAsync(program)).Succeeded());
        Assert.All(parts, part => Assert.Contains(screen.Lines, line => line.Contains(part, StringComparison.Ordinal)));
        Assert.Equal("the end", screen.Lines[^1]);
    }

    [Theory]
    [InlineData("")]
    [InlineData(">output.txt")]
    public async Task ATerminalOfTwentyColumnsIsEnough(string after)
    {
        VirtualTerminal screen = Screen((await RunOnTerminalAsync("run", "stty cols 20", after)).Succeeded());
        Assert.All(screen.Lines, static line => Assert.True(line.Length < 20, line));
        Assert.Contains("100 %  100 of 100 …", screen.Lines);
    }

    [Fact]
    public async Task AProgramThatPrintsWithoutAPauseComesToItsEnd()
    {
        Ended ended = (await RunOnTerminalAsync("floods")).Succeeded();
        VirtualTerminal screen = Screen(ended);
        string[] numbers = [.. screen.Lines.Where(static line => line.StartsWith("number ", StringComparison.Ordinal))];
        Assert.Equal(Enumerable.Range(1, 100_000).Select(static number => $"number {number}"), numbers);
        Assert.Equal("the end", screen.Lines[^1]);
        // A picture for each line would be ten times as long as the lines.
        Assert.True(ended.Output.Length < 2 * numbers.Sum(static line => line.Length + 2), $"{ended.Output.Length} characters");
    }

    [Fact]
    public async Task OutputThatTheProgramSendsIntoAFileStaysThere()
    {
        VirtualTerminal screen = Screen((await RunOnTerminalAsync("elsewhere")).Succeeded());
        Assert.StartsWith("printed  completed", screen.Lines[0], StringComparison.Ordinal);
        Assert.DoesNotContain(screen.Lines, static line => line.Contains("number ", StringComparison.Ordinal));
        Assert.Equal("number 1\nnumber 2\nnumber 3\nnot completenumber 4\nnumber 5\nnumber 6\n", await ReadAsync("results.txt"));
    }

    [Fact]
    public async Task ErrorsThatTheProgramSendsIntoAFileDoNotTakeThePictureAlong()
    {
        VirtualTerminal screen = Screen((await RunOnTerminalAsync("errors elsewhere")).Succeeded());
        Assert.Contains(screen.Lines, static line => line.StartsWith("second  completed", StringComparison.Ordinal));
        Assert.Equal("", await ReadAsync("errors.txt"));
    }

    [Fact]
    public async Task ALineEndsAtACarriageReturn()
    {
        VirtualTerminal screen = Screen((await RunOnTerminalAsync("returns")).Succeeded());
        Assert.Equal(["step 1", "step 2", "step 3"], screen.Lines[..3]);
    }

    [Theory]
    [InlineData("open end", 0)]
    [InlineData("exits", 0)]
    [InlineData("crashes", 134)]
    public async Task OutputIsNotLostWhenTheProcessEndsBeforeTheDisplay(string program, int exitCode)
    {
        Ended ended = await RunOnTerminalAsync(program);
        Assert.Equal(exitCode, ended.ExitCode);
        ended = ended with { Output = ended.Output.Split("Unhandled exception")[0] };         // .NET writes it below the display
        Assert.Equal(["a line", "another line", "result: 42"], Screen(ended).Lines[..3]);
    }

    [Theory]
    [InlineData("run")]
    [InlineData("two")]
    public async Task WithoutATerminalNothingIsShown(string program)
    {
        VirtualTerminal screen = Screen((await RunOnTerminalAsync(program, after: "2>errors.txt")).Succeeded());
        Assert.Equal(["the end"], screen.Lines);
        Assert.Equal("", await ReadAsync("errors.txt"));
    }

    [Fact]
    public async Task OutputIntoAFileHasNoPictureInIt()
    {
        VirtualTerminal screen = Screen((await RunOnTerminalAsync("prints", after: ">output.txt")).Succeeded());
        Assert.Contains(screen.Lines, static line => line.StartsWith("printed  completed", StringComparison.Ordinal));
        Assert.Equal("number 1\nnumber 2\nnumber 3\nnot completenumber 4\nnumber 5\nnumber 6\nthe end\n", await ReadAsync("output.txt"));
    }

    private Task<string> ReadAsync(string file)
        => File.ReadAllTextAsync(Path.Combine(directory.FullName, file), TestContext.Current.CancellationToken);

    private async Task<Ended> RunOnTerminalAsync(string program, string before = "true", string after = "")
    {
        string command = SampleProcess.CommandLine("Sluice.Programs", ["progress", program]);
        // The line that the program waits for. A program that reads none may have ended before "echo go |" has written it.
        await File.WriteAllTextAsync(Path.Combine(directory.FullName, "input.txt"), "go\n", TestContext.Current.CancellationToken);
        using SampleProcess process = SampleProcess.StartProgram(directory.FullName, "script", "--quiet", "--flush", "--return",
            "--command", $"{before}; stty -echo; env -u NO_COLOR TERM=xterm timeout --foreground 60 {command} {after} <input.txt", "/dev/null");
        return await process.EndAsync();
    }

    private static VirtualTerminal Screen(Ended ended)
    {
        var screen = new VirtualTerminal();
        screen.Write(ended.Output);
        return screen;
    }

    public void Dispose() => directory.Delete(recursive: true);
}
