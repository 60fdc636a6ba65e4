using Sluice.Testing;

namespace Sluice.Tests.Producers;

public sealed class ResumableFilesTests : IDisposable
{
    private readonly DirectoryInfo directory = Directory.CreateTempSubdirectory("inbox-");

    private Source<string> Files => Source.ResumableFiles("in", directory.FullName, new() { QuietDuration = TimeSpan.Zero })
        .Select(path => Path.GetFileName(path));

    public void Dispose() => directory.Delete(recursive: true);

    [Fact]
    public async Task EachFileIsTakenOnceIncludingFilesAddedBetweenRuns()
    {
        string[] names = ["b", "a", "c\nd", "Z", "/n".Replace('/', '-')];
        for (int first = 0; first <= names.Length; first++)
        {
            foreach (FileInfo file in directory.EnumerateFiles()) file.Delete();
            foreach (string name in names) Write(name);
            Write(".hidden");
            await using var intake = new Intake();
            await intake.AcceptAsync(Files, first);
            Write("0");
            await intake.AcceptAsync(Files, 1);
            await intake.AcceptAsync(Files);
            Write("aa");
            await intake.AcceptAsync(Files);
            await intake.AcceptAsync(Files);
            // Files seen at the first start keep their order; if no item was wanted then, none was seen.
            string[] seen = [.. names.Order(StringComparer.Ordinal)];
            Assert.Equal(first == 0 ? [.. seen.Append("0").Order(StringComparer.Ordinal), "aa"] : [.. seen, "0", "aa"],
                await intake.AcceptedAsync());
        }
    }

    [Fact]
    public async Task LinesResumeInTheMiddleOfAFile()
    {
        for (int i = 0; i < 3; i++) await File.WriteAllLinesAsync(Path.Combine(directory.FullName, $"{i}"), [$"{i}a", $"{i}b", $"{i}c"],
            TestContext.Current.CancellationToken);
        for (int first = 0; first <= 9; first++)
        {
            File.Delete(Path.Combine(directory.FullName, ".in.taken"));
            Source<string> lines = Source.ResumableFiles("in", directory.FullName, new() { QuietDuration = TimeSpan.Zero })
                | File.ReadLines;
            await using var intake = new Intake();
            await intake.AcceptAsync(lines, first);
            await intake.AcceptAsync(lines);
            Assert.Equal(["0a", "0b", "0c", "1a", "1b", "1c", "2a", "2b", "2c"], await intake.AcceptedAsync());
        }
    }

    [Fact]
    public async Task AGrowingFileIsTakenOnceItIsQuietWithoutDelayingOthers()
    {
        var clock = new TestClock();
        await using var intake = new Intake();
        await using Consecutor<string> consecutor = intake.New(_ => { });
        Write("a-growing");
        Write("b-old", clock.GetUtcNow().UtcDateTime - TimeSpan.FromMinutes(1));
        Source<string> files = Source.ResumableFiles("in", directory.FullName,
            new() { QuietDuration = TimeSpan.FromSeconds(2), Time = clock }).Select(path => Path.GetFileName(path));
        await using PipelineRun run = intake.Start(files, consecutor);
        await clock.WaitForTimersAsync(1);                            // b-old is done; a-growing is checked again in two seconds
        await File.AppendAllTextAsync(Path.Combine(directory.FullName, "a-growing"), "more", TestContext.Current.CancellationToken);
        clock.Advance(TimeSpan.FromSeconds(2));
        await clock.WaitForTimersAsync(1);                            // it has grown: two more seconds
        clock.Advance(TimeSpan.FromSeconds(2));
        await run.Completion;
        Assert.Equal(["b-old", "a-growing"], await intake.AcceptedAsync());
    }

    /// <summary>The clock of the file server is behind, or the writer keeps the time of a copied file.</summary>
    [Fact]
    public async Task AFileThatComesLaterIsNotTakenWhileItGrowsWhateverItsTime()
    {
        var clock = new TestClock();
        await using var intake = new Intake();
        await using Consecutor<string> consecutor = intake.New(_ => { });
        Source<string> files = Source.ResumableFiles("in", directory.FullName,
            new() { QuietDuration = TimeSpan.FromSeconds(2), PollInterval = TimeSpan.FromSeconds(1), Time = clock })
            .Select(path => Path.GetFileName(path));
        await using PipelineRun run = intake.Start(files, consecutor);
        await clock.WaitForTimersAsync(1);
        Write("still", OneMinuteAgo());
        for (int i = 0; i < 8; i++)
        {
            if (i <= 4) Write("grows", OneMinuteAgo(), new string('a', i + 1));        // four seconds; the other one is taken in between
            clock.Advance(TimeSpan.FromSeconds(1));
            await clock.WaitForTimersAsync(1);
        }
        Assert.True(await run.StopAsync());
        Assert.Equal(["still", "grows"], await intake.AcceptedAsync());

        DateTime OneMinuteAgo() => clock.GetUtcNow().UtcDateTime - TimeSpan.FromMinutes(1);
    }

    [Fact]
    public async Task ALinkIsTakenOnceItsTargetIsQuiet()
    {
        var clock = new TestClock(DateTimeOffset.UtcNow + TimeSpan.FromMinutes(1));    // the link is older than two seconds
        await using var intake = new Intake();
        await using Consecutor<string> consecutor = intake.New(_ => { });
        Write(".target", clock.GetUtcNow().UtcDateTime);
        File.CreateSymbolicLink(Path.Combine(directory.FullName, "link"), Path.Combine(directory.FullName, ".target"));
        File.CreateSymbolicLink(Path.Combine(directory.FullName, "broken"), Path.Combine(directory.FullName, ".nowhere"));
        Source<string> files = Source.ResumableFiles("in", directory.FullName,
            new() { QuietDuration = TimeSpan.FromSeconds(2), Time = clock }).Select(path => Path.GetFileName(path));
        await using PipelineRun run = intake.Start(files, consecutor);
        for (int i = 0; i < 3; i++)
        {
            Assert.NotSame(run.Completion, await Task.WhenAny(clock.WaitForTimersAsync(1), run.Completion));
            if (i < 2) Write(".target", clock.GetUtcNow().UtcDateTime, $"more {i}");
            clock.Advance(TimeSpan.FromSeconds(2));
        }
        await run.Completion;
        Assert.Equal(["link"], await intake.AcceptedAsync());
    }

    [Fact]
    public async Task APolledDirectoryIsScannedUntilTheRunIsDrained()
    {
        var clock = new TestClock();
        await using var intake = new Intake();
        await using Consecutor<string> consecutor = intake.New(_ => { });
        Source<string> files = Source.ResumableFiles("in", directory.FullName,
            new() { QuietDuration = TimeSpan.Zero, PollInterval = TimeSpan.FromMinutes(1), Time = clock })
            .Select(path => Path.GetFileName(path));
        await using PipelineRun run = intake.Start(files, consecutor);
        foreach (string name in (string[])["b", "a"])
        {
            await clock.WaitForTimersAsync(1);
            Write(name);
            clock.Advance(TimeSpan.FromMinutes(1));
        }
        await clock.WaitForTimersAsync(1);
        Assert.True(await run.StopAsync());
        Assert.Equal(["b", "a"], await intake.AcceptedAsync());
    }

    /// <remarks>The process was out of file descriptors for a moment, and its host stopped.</remarks>
    [Fact]
    public async Task AScanThatFailsIsReportedAndRepeated()
    {
        var clock = new TestClock();
        var warnings = new List<string>();
        int scans = 0;
        await using var intake = new Intake();
        await using Consecutor<string> consecutor = intake.New(_ => { });
        Source<string> files = Source.ResumableFiles("in", directory.FullName, new()
        {
            QuietDuration = TimeSpan.Zero,
            PollInterval = TimeSpan.FromMinutes(1),
            Time = clock,
            OnWarning = warnings.Add,
            Listing = _ =>
            {
                if (++scans is 2 or 3) throw new IOException("Too many open files");
            },
        }).Select(path => Path.GetFileName(path));
        await using PipelineRun run = intake.Start(files, consecutor);
        for (int i = 0; i < 4; i++)
        {
            Assert.NotSame(run.Completion, await Task.WhenAny(clock.WaitForTimersAsync(1), run.Completion));
            if (i == 0) Write("a");
            clock.Advance(TimeSpan.FromMinutes(1));
        }
        await clock.WaitForTimersAsync(1, TestContext.Current.CancellationToken);
        Assert.True(await run.StopAsync(cancellation: TestContext.Current.CancellationToken));
        Assert.Equal(["a"], await intake.AcceptedAsync());
        Assert.EndsWith("and tries it again: Too many open files", Assert.Single(warnings));
    }

    /// <remarks>A slow upload was renamed after a scan had seen it: each start failed on the name that was gone.</remarks>
    [Fact]
    public async Task AFileThatIsGoneBeforeAnythingOfItWasAcceptedIsLeftOut()
    {
        Write("a", null, "a1\na2\n");
        Write("b", null, "b1\n");
        var warnings = new List<string>();
        Source<string> lines = Source.ResumableFiles("in", directory.FullName,
            new() { QuietDuration = TimeSpan.Zero, OnWarning = warnings.Add }) | File.ReadLines;
        await using var intake = new Intake();
        await intake.AcceptAsync(lines, 2);
        File.Delete(Path.Combine(directory.FullName, "b"));
        Write("c", null, "c1\nc2\n");
        await intake.AcceptAsync(lines, 3);          // a again, and the first line of c
        await intake.AcceptAsync(lines);
        Assert.Equal(["a1", "a2", "c1", "c2"], await intake.AcceptedAsync());
        Assert.Contains($"leaves out {Path.Combine(directory.FullName, "b")}", Assert.Single(warnings), StringComparison.Ordinal);

        File.Delete(Path.Combine(directory.FullName, "c"));
        await Assert.ThrowsAsync<PipelineException>(() => intake.AcceptAsync(lines));          // lines of it were accepted
    }

    [Fact]
    public async Task AJournalThatDoesNotMatchThePositionIsRefused()
    {
        Write("a");
        Write("b");
        Write("c");
        await using var intake = new Intake();
        await intake.AcceptAsync(Files);
        string journal = Path.Combine(directory.FullName, ".in.taken");
        await File.WriteAllTextAsync(journal, "a\nx\nc\n", TestContext.Current.CancellationToken);
        var failure = await Assert.ThrowsAsync<PipelineException>(() => intake.AcceptAsync(Files));
        Assert.Contains($"{journal} is not the journal by which more than 2 files were accepted", failure.Message,
            StringComparison.Ordinal);
        File.Delete(journal);
        await Assert.ThrowsAsync<PipelineException>(() => intake.AcceptAsync(Files));
        await File.WriteAllTextAsync(journal, "a\nb\nc\ncut", TestContext.Current.CancellationToken);      // a crash during the write
        Write("cut off");
        await intake.AcceptAsync(Files);
        Assert.Equal(["a", "b", "c", "cut off"], await intake.AcceptedAsync());
    }

    [Theory]
    [InlineData("part-??.csv", "part-10.csv")]
    [InlineData("part-?.csv", "part-1.csv")]
    [InlineData("*.*", "part-.csv|part-1.csv|part-10.csv")]
    [InlineData("*", "README|part-.csv|part-1.csv|part-10.csv")]
    [InlineData("part-1*", "part-1.csv|part-10.csv")]
    public async Task APatternIsOneOfAShell(string pattern, string taken)
    {
        foreach (string name in (string[])["part-.csv", "part-1.csv", "part-10.csv", "README", ".part-10.csv"]) Write(name);
        await using var intake = new Intake();
        await intake.AcceptAsync(WithPattern(pattern));
        Assert.Equal(taken.Split('|'), await intake.AcceptedAsync());
    }

    [Fact]
    public async Task AFileThatWasTakenStaysTakenUnderAnotherPattern()
    {
        Write("README");
        Write("part-10.csv");
        await using var intake = new Intake();
        await intake.AcceptAsync(WithPattern("*"));
        Write("NEWS");
        Write("part-11.csv");
        await intake.AcceptAsync(WithPattern("part-??.csv"));
        await intake.AcceptAsync(WithPattern("*"));
        Assert.Equal(["README", "part-10.csv", "part-11.csv", "NEWS"], await intake.AcceptedAsync());
    }

    [Theory]
    [InlineData("incoming/*.csv")]
    [InlineData("../other/*.csv")]
    [InlineData("")]
    public void APatternWithADirectoryIsRefused(string pattern)
        => Assert.Contains($"Pattern is '{pattern}'. It must be a pattern of names, without a directory",
            Assert.Throws<ArgumentException>(() => new ResumableFilesOptions { Pattern = pattern }).Message, StringComparison.Ordinal);

    /// <summary>Timers cut less than a millisecond to zero: the source would look again without a pause, and never leave its
    /// thread.</summary>
    [Fact]
    public async Task TheSourcePausesBetweenLooksAtAFileThatIsNotQuiet()
    {
        var clock = new TestClock(DateTimeOffset.UtcNow - TimeSpan.FromHours(1));      // the file is written after that
        await using var intake = new Intake();
        await using Consecutor<string> consecutor = intake.New(_ => { });
        Write("a");
        Source<string> files = Source.ResumableFiles("in", directory.FullName, new() { QuietDuration = new TimeSpan(5), Time = clock })
            .Select(path => Path.GetFileName(path));
        await using PipelineRun run = intake.Start(files, consecutor);
        await clock.WaitForTimersAsync(1);
        clock.Advance(TimeSpan.FromMilliseconds(1));
        await run.Completion;
        Assert.Equal(["a"], await intake.AcceptedAsync());
    }

    private Source<string> WithPattern(string pattern) => Source.ResumableFiles("in", directory.FullName,
        new() { QuietDuration = TimeSpan.Zero, Pattern = pattern }).Select(path => Path.GetFileName(path));

    private void Write(string name, DateTime? written = null, string? text = null)
    {
        string path = Path.Combine(directory.FullName, name);
        File.WriteAllText(path, text ?? name);
        if (written is { } time) File.SetLastWriteTimeUtc(path, time);
    }
}
