namespace Sluice.Samples.Tests.Words;

/// <summary>The flow with an extractor in another language, run by its command line.</summary>
public sealed class WordsTests : IDisposable
{
    private readonly string copy = Directory.CreateTempSubdirectory("words-").FullName;

    private const string Counted = "300 files and 323,698 words were counted";

    [Theory]
    [InlineData("local", false)]
    [InlineData("python", false)]
    [InlineData("python", true)]
    [InlineData("celery", false)]
    [InlineData("celery", true, Traits = ["Length", "long"])]
    public async Task EachExecutorCountsTheSameWords(string executor, bool isKilled)
    {
        Ended ended = await RunAsync(SampleProcess.DirectoryOf("Words"),
            "--files", "300", "--executor", executor, isKilled ? "--kill" : "");
        string line = Assert.Single(ended.Succeeded().Output.Split('\n', StringSplitOptions.RemoveEmptyEntries));
        Assert.StartsWith($"{Counted} ({executor}) in ", line, StringComparison.Ordinal);
        // One process, if the others had nothing left to do when it was their turn.
        Assert.Equal(isKilled, line.EndsWith(" killed", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("file.number, len(file.text.split())", "file.number, 7", "300 have another number of words")]
    [InlineData("yield IOVal", "if file.number != 9: yield IOVal", "1 files are missing")]
    [InlineData("async for file in texts.stream():", "async for file in twice(texts):", "300 were counted twice")]
    public async Task AWrongCountIsAFailure(string part, string by, string expected)
    {
        CopyTo(copy, SampleProcess.DirectoryOf("Words"));
        string words = Path.Combine(copy, "python", "words.py"), text = await File.ReadAllTextAsync(words, Cancellation);
        Assert.Contains(part, text, StringComparison.Ordinal);
        await File.WriteAllTextAsync(words, text.Replace(part, by, StringComparison.Ordinal) + """


            async def twice(texts):
                async for file in texts.stream():
                    yield file
                    yield file
            """, Cancellation);
        Ended ended = await RunAsync(copy, "--files", "300", "--executor", "python");
        Assert.Equal(1, ended.ExitCode);
        Assert.Contains(expected, ended.Errors, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--files 0", "--files must be a whole number from 1 to 1000000, not \"0\".")]
    [InlineData("--executor ruby", "--executor must be local, python or celery, not \"ruby\".")]
    [InlineData("--kill", "--kill needs --executor python or celery: local has no process to kill.")]
    public async Task AMistakeIsReportedInOneLine(string commandLine, string expected)
    {
        Ended ended = await WarmProgram.RunAsync("Words", Path.GetTempPath(), commandLine.Split(' '));
        Assert.Equal((2, "", $"words: {expected}\n"), (ended.ExitCode, ended.Output, ended.Errors.ReplaceLineEndings("\n")));
    }

    public void Dispose() => Directory.Delete(copy, recursive: true);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private static async Task<Ended> RunAsync(string directory, params string[] arguments)
    {
        using var process = SampleProcess.StartProgram(Path.GetTempPath(), Path.Combine(directory, "Words"),
            [.. arguments.Where(static argument => argument.Length > 0)]);
        return await process.EndAsync();
    }

    private static void CopyTo(string target, string source)
    {
        foreach (string file in Directory.EnumerateFiles(source, "*", SearchOption.AllDirectories))
        {
            string copy = Path.Combine(target, Path.GetRelativePath(source, file));
            Directory.CreateDirectory(Path.GetDirectoryName(copy)!);
            File.Copy(file, copy);
        }
    }
}
