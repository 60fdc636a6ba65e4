namespace Sluice.Tests.Producers;

/// <summary>Which of several files goes on behind the stored row, if little of the file was read.</summary>
public sealed class LogRecognitionTests
{
    /// <remarks>The stored row is the one before the line. It recognised every file, if the line was the first one.</remarks>
    [Theory]
    [InlineData("app.log", "", 2)]
    [InlineData("*.log", "", 2)]
    [InlineData("app.log", "title\n", 5)]
    [InlineData("*.log", "title\n", 5)]
    [InlineData("app.log", "title\n", 2)]
    public async Task ALineThatWasAcceptedInPartGoesOnInItsRotatedFile(string path, string heading, int accepted)
    {
        await using var lab = new LogLab { IsSlow = true };
        lab.Write("app.log", heading + "a\nb\n");
        await lab.AcceptAsync(Items(), accepted);
        lab.Move("app.log", "app.log.1");
        lab.Write("app.log", heading + "c\nd\n");
        await lab.AcceptAsync(Items());
        await lab.AcceptAsync(Items());
        string[] lines = (heading + "a\nb\n" + heading + "c\nd").Split('\n');
        Assert.Equal(lines.SelectMany(Parts), (await lab.AcceptedAsync()).Lines);
        Assert.Empty(lab.Warnings);

        Source<string> Items() => lab.Lines(path).SelectMany(Parts);
    }

    [Fact]
    public async Task ALineThatWasAcceptedInPartAndIsGoneIsReported()
    {
        await using var lab = new LogLab();
        lab.Write("app.log", "a\nb\n");
        await lab.AcceptAsync(Items(), 2);
        File.Delete(lab.At("app.log"));
        lab.Write("app.log", "c\n");
        await lab.AcceptAsync(Items());
        Assert.Equal(["a1", "a2", "c1", "c2", "c3"], (await lab.AcceptedAsync()).Lines);
        Assert.Contains("app.log, of which 0 lines (0 bytes) were read, was cut or replaced", Assert.Single(lab.Warnings),
            StringComparison.Ordinal);

        Source<string> Items() => lab.Lines().SelectMany(Parts);
    }

    /// <summary>A process stops behind the heading of a file, and the log is rotated twice until it starts again.</summary>
    [Theory]
    [InlineData("app.log", "create")]
    [InlineData("app.log", "nocreate")]
    [InlineData("app.log", "heading")]
    [InlineData("*.log", "create")]
    [InlineData("*.log", "nocreate")]
    [InlineData("*.log", "heading")]
    public async Task TwoRotationsOfFilesWithOneHeadingAreFollowed(string path, string rotation)
    {
        await using var lab = new LogLab { IsSlow = true };
        lab.Write("app.log", "title\n");
        await lab.AcceptAsync(lab.Lines(path));
        lab.Write("app.log", "a\n");
        lab.Move("app.log", "app.log.2");
        lab.Write("app.log.1", "title\nb\n");
        if (rotation == "create") lab.Write("app.log", "");
        if (rotation == "heading") lab.Write("app.log", "title\n");
        await lab.AcceptAsync(lab.Lines(path));
        lab.Write("app.log", rotation == "heading" ? "c\n" : "title\nc\n");
        await lab.AcceptAsync(lab.Lines(path));
        Assert.Equal(["title", "a", "title", "b", "title", "c"], (await lab.AcceptedAsync()).Lines);
        Assert.Empty(lab.Warnings);
    }

    /// <summary>The process stops behind the heading, and the lines behind it were there already: the file is not written again.</summary>
    [Theory]
    [InlineData("app.log")]
    [InlineData("*.log")]
    public async Task LinesBehindAHeadingThatWereSeenAndNotAcceptedAreReadFromTheRotatedFile(string path)
    {
        await using var lab = new LogLab { IsSlow = true };
        lab.Write("app.log", "title\na\n");
        await lab.AcceptAsync(lab.Lines(path), 1);
        lab.Move("app.log", "app.log.1");
        lab.Write("app.log", "title\nb\n");
        await lab.AcceptAsync(lab.Lines(path));
        Assert.Equal(["title", "a", "title", "b"], (await lab.AcceptedAsync()).Lines);
        Assert.Empty(lab.Warnings);
    }

    /// <summary>Lists of a directory for thousands of rotated files take minutes. Each scan makes some of them, and the other files are
    /// read.</summary>
    [Fact]
    public async Task ManyRotatedFilesAreLeftInSeveralScans()
    {
        int scans = 0;
        await using var lab = new LogLab { Options = new() { Listing = _ => scans++ } };
        string[] names = [.. Enumerable.Range(0, 10).Select(static file => $"{file}.log")];
        foreach (string name in names) lab.Write(name, $"{name} a\n");
        await lab.AcceptAsync(lab.Lines("*.log"));
        foreach (string name in names)
        {
            lab.Write(name, $"{name} b\n");
            lab.Move(name, name + ".1");
            lab.Write(name, $"{name} c\n");
        }
        scans = 0;
        await using (Consecutor<string> consecutor = lab.New(static _ => { }))
            await lab.Start(lab.Lines("*.log"), consecutor, new SlowClock()).Completion;
        Assert.InRange(scans, 5, 20);
        ILookup<string, string> byFile = (await lab.AcceptedAsync()).Lines.ToLookup(static line => line[..5]);
        foreach (string name in names) Assert.Equal([$"{name} a", $"{name} b", $"{name} c"], byFile[name]);
        Assert.Empty(lab.Warnings);
    }

    /// <summary>Everything takes 0.6 seconds.</summary>
    private sealed class SlowClock : TimeProvider
    {
        private long now;

        public override long GetTimestamp() => Interlocked.Add(ref now, TimestampFrequency * 6 / 10);
    }

    private static string[] Parts(string line) => [$"{line}1", $"{line}2", $"{line}3"];
}
