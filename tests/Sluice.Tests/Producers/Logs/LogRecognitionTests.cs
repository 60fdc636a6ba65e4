using Sluice.Producers;
using Sluice.Testing;

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

    /// <summary>At midnight all logs are rotated, and idle services write nothing to the new ones.</summary>
    /// <remarks>The first files used up the second of lists in each scan. The source never left those behind them, and did not
    /// end.</remarks>
    [Theory]
    [InlineData("empty")]
    [InlineData("unfinished")]
    [InlineData("twice")]
    public async Task RotatedFilesWithoutALineBehindThemDoNotHoldUpTheOthers(string now)
    {
        int scans = 0;
        await using var lab = new LogLab
        {
            Options = new() { Listing = _ => Assert.True(++scans < 50, "The source lists the directory again and again.") },
        };
        string[] names = [.. Enumerable.Range(0, 10).Select(static file => $"{file}.log")];
        foreach (string name in names) lab.Write(name, $"{name} a\n");
        await lab.AcceptAsync(lab.Lines("*.log"));
        foreach (string name in names)
        {
            lab.Move(name, name + (now == "twice" ? ".2" : ".1"));
            if (now == "twice") lab.Write(name + ".1", "");
            lab.Write(name, now == "unfinished" ? "half" : "");
        }
        lab.Write(names[^1], " b\n");
        await using (Consecutor<string> consecutor = lab.New(static _ => { }))
            await lab.Start(lab.Lines("*.log"), consecutor, new SlowClock()).Completion;
        string[] expected = [.. names.Select(static name => $"{name} a"), now == "unfinished" ? "half b" : " b"];
        Assert.Equal(expected, (await lab.AcceptedAsync()).Lines);
        foreach (string name in names[..^1]) lab.Write(name, " c\n");
        await lab.AcceptAsync(lab.Lines("*.log"));
        Assert.Equal(Enumerable.Repeat(now == "unfinished" ? "half c" : " c", 9), (await lab.AcceptedAsync()).Lines);
        Assert.Empty(lab.Warnings);
    }

    /// <summary>An idle service was rotated twice before it wrote again.</summary>
    /// <remarks>Each scan passed the older file, and began to wait anew for lines of the empty one.</remarks>
    [Theory]
    [InlineData("app.log")]
    [InlineData("*.log")]
    public async Task TheLiveFileBehindAnEmptyRotatedOneIsReadWhileTheSourceFollows(string path)
    {
        await using var lab = new LogLab { IsSlow = true };
        lab.Write("app.log", "a\n");
        await lab.AcceptAsync(lab.Lines(path));
        lab.Move("app.log", "app.log.2");
        lab.Write("app.log.1", "");
        lab.Write("app.log", "c\n");
        var clock = new TestClock();
        await using (Consecutor<string> consecutor = lab.New(static _ => { }))
        {
            await using PipelineRun run = lab.Start(
                lab.Lines(path, new() { PollInterval = TimeSpan.FromSeconds(1) }).Take(1), consecutor, clock);
            for (int second = 0; second < 60 && !run.Completion.IsCompleted; second++)
            {
                await Task.WhenAny(run.Completion, clock.WaitForTimersAsync(1, TestContext.Current.CancellationToken));
                clock.Advance(TimeSpan.FromSeconds(1));
            }
            Assert.True(run.Completion.IsCompletedSuccessfully, "The live file is not read.");
        }
        Assert.Equal(["a", "c"], (await lab.AcceptedAsync()).Lines);
    }

    /// <remarks>The scan and the list that confirms it differed, and the source scanned again without end.</remarks>
    [Fact]
    public void TheOrderOfRotatedFilesDoesNotDependOnTheOrderInWhichTheyWereFound()
    {
        FoundFile[] found =
        [
            At(".3", 1), At(".2", 9), At(".old", 5), At(".1", 2), At("-1", 2), At(".01", 2), At("_prev", 4), At("-20260131", 5),
        ];
        string first = Order(found);
        Assert.Equal(".3 _prev -20260131 .old .2 -1 .01 .1", first);
        var random = new Random(1);
        for (int i = 0; i < 1000; i++)
        {
            random.Shuffle(found);
            Assert.Equal(first, Order(found));
        }

        static FoundFile At(string suffix, int second) => new("app.log" + suffix, 1, DateTime.UnixEpoch.AddSeconds(second));

        static string Order(FoundFile[] found)
            => string.Join(' ', Rotation.Sorted([.. found], "app.log".Length).Select(static one => one.Path["app.log".Length..]));
    }

    /// <summary>The store is slow, so a round of all files takes longer than the time between two rotations.</summary>
    /// <remarks>The source looked for the file under the names of the scan, and declared it lost.</remarks>
    [Fact]
    public async Task AFileThatIsRotatedInTwoRoundsInARowIsFound()
    {
        await using var lab = new LogLab();
        lab.Write("z.log", "z1\n");
        await lab.AcceptAsync(lab.Lines("*.log"));
        lab.Write("a.log", "a1\n");
        await lab.AcceptAsync(lab.Lines("*.log"));                   // the source begins with the file of the last line
        lab.Write("a.log", "a2\n");
        lab.Write("z.log", "z2\n");
        List<string> warnings = [];
        await lab.AcceptAsync(Source.ResumableLines("logs", lab.At("*.log"), Read, new() { OnWarning = warnings.Add }));
        Assert.Equal(["z1", "a1", "a2", "b1", "z2", "z3", "z4"], (await lab.AcceptedAsync()).Lines);
        Assert.Empty(warnings);

        string Read(FileLine line)
        {
            if (line.Text == "b1") lab.Move("z.log.1", "z.log.2");
            if (line.Text is "a2" or "b1") lab.Move("z.log", "z.log.1");
            if (line.Text is "a2" or "b1") lab.Write("z.log", line.Text == "a2" ? "z3\n" : "z4\n");
            if (line.Text == "a2") lab.Write("b.log", "b1\n");
            return line.Text;
        }
    }

    /// <summary>Everything takes 0.6 seconds.</summary>
    private sealed class SlowClock : TimeProvider
    {
        private long now;

        public override long GetTimestamp() => Interlocked.Add(ref now, TimestampFrequency * 6 / 10);
    }

    private static string[] Parts(string line) => [$"{line}1", $"{line}2", $"{line}3"];
}
