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

    [Fact]
    public async Task ATerminalOfTwentyColumnsIsEnough()
    {
        VirtualTerminal screen = Screen((await RunOnTerminalAsync("run", "stty cols 20")).Succeeded());
        Assert.All(screen.Lines, static line => Assert.True(line.Length < 20, line));
        Assert.Contains("100 %  100 of 100 …", screen.Lines);
    }

    [Theory]
    [InlineData("run")]
    [InlineData("two")]
    public async Task WithoutATerminalNothingIsShown(string program)
    {
        VirtualTerminal screen = Screen((await RunOnTerminalAsync(program, after: "2>errors.txt")).Succeeded());
        Assert.Equal(["the end"], screen.Lines);
        string errors = Path.Combine(directory.FullName, "errors.txt");
        Assert.Equal("", await File.ReadAllTextAsync(errors, TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task OutputIntoAFileHasNoPictureInIt()
    {
        VirtualTerminal screen = Screen((await RunOnTerminalAsync("prints", after: ">output.txt")).Succeeded());
        Assert.Contains(screen.Lines, static line => line.StartsWith("printed  completed", StringComparison.Ordinal));
        string output = await File.ReadAllTextAsync(Path.Combine(directory.FullName, "output.txt"), TestContext.Current.CancellationToken);
        Assert.Equal("number 1\nnumber 2\nnumber 3\nnot completenumber 4\nnumber 5\nnumber 6\nthe end\n", output);
    }

    private async Task<Ended> RunOnTerminalAsync(string program, string before = "true", string after = "")
    {
        string command = SampleProcess.CommandLine("Sluice.Programs", ["progress", program]);
        // The line that the program waits for. A program that reads none may have ended before "echo go |" has written it.
        await File.WriteAllTextAsync(Path.Combine(directory.FullName, "input.txt"), "go\n", TestContext.Current.CancellationToken);
        using SampleProcess process = SampleProcess.StartProgram(directory.FullName, "script", "--quiet", "--flush", "--return",
            "--command", $"{before}; stty -echo; env -u NO_COLOR TERM=xterm {command} {after} <input.txt", "/dev/null");
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
