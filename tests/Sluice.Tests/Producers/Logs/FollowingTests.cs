using System.Collections.Concurrent;
using Sluice.Testing;

namespace Sluice.Tests.Producers;

/// <summary>Sources that poll. The test moves their clock.</summary>
public sealed class FollowingTests
{
    private static readonly TimeSpan Poll = TimeSpan.FromSeconds(1);

    [Fact]
    public async Task AFileCreatedLaterIsFollowedThroughRotationsUntilTheDrain()
    {
        await using var world = new World("app.log");
        await world.LookAsync();
        await world.WritesAsync("app.log", "a\nb", "a");
        await world.WritesAsync("app.log", "\n", "b");

        // The program still has the renamed file open, and writes to it.
        world.Lab.Move("app.log", "app.log.1");
        await world.LookAsync();
        await world.WritesAsync("app.log.1", "c\n", "c");
        world.Lab.Write("app.log", "e\n");
        await world.LookAsync();
        await world.WritesAsync("app.log.1", "d\n", "d");
        for (int i = 0; i < 5; i++) await world.LookAsync();
        await world.SeesAsync("e");
        await world.WritesAsync("app.log", "f\n", "f");

        world.Lab.CopyTruncate("app.log", "app.log.0");
        world.Lab.Write("app.log", "g\n");
        for (int i = 0; i < 7; i++) await world.LookAsync();
        await world.SeesAsync("g");
        Assert.Empty(world.Lab.Warnings);
        await world.EndAsync("a b c d e f g");
    }

    /// <summary>The source has seen an empty file, or none. Files rotated before its first scan are not read.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task AFileRotatedBetweenTwoPollsIsReadAndOlderOnesAreNot(bool isThere)
    {
        await using var world = new World("app.log", static lab => lab.Write("app.log.1", "earlier\n"));
        await world.LookAsync();
        if (isThere) world.Lab.Write("app.log", "");
        await world.LookAsync();

        world.Lab.Move("app.log.1", "app.log.2");
        world.Lab.Write("app.log.2", "written late to the renamed file\n");
        world.Lab.Write("app.log", "a\n");
        world.Lab.Move("app.log", "app.log.1");
        world.Lab.Write("app.log", "b\n");
        for (int i = 0; i < 7; i++) await world.LookAsync();
        await world.SeesAsync("b");
        Assert.Empty(world.Lab.Warnings);
        await world.EndAsync("a b");
    }

    [Fact]
    public async Task NewFilesOfAPatternAreFollowedDespiteAnUnreadableOne()
    {
        await using var world = new World("**/*.log");
        await world.LookAsync();
        await world.WritesAsync("one/app.log", "a\n", "a");
        world.Lab.Write("two/wide.log", [0xFF, 0xFE, 0x61, 0]);
        await world.WritesAsync("two/app.log", "b\n", "b");
        await world.WritesAsync("two/deep/app.log", "c\n", "c");
        await world.WritesAsync("one/app.log", "d\n", "d");
        Assert.Contains("two/wide.log is UTF-16", Assert.Single(world.Lab.Warnings), StringComparison.Ordinal);
        File.Delete(world.Lab.At("one", "app.log"));
        await world.LookAsync();
        await world.WritesAsync("two/app.log", "e\n", "e");
        await world.EndAsync("a b c d e");
    }

    /// <summary>As cronolog does it, and the runtimes of containers, which rotate the target. In one run the source knows the file that it
    /// has read.</summary>
    [Theory]
    [InlineData("first", "second", "title a b title c")]
    [InlineData("first", "second.20260131-1", "title a b rotated title c")]
    [InlineData("first.1", "second.1", "title a b rotated title c")]
    public async Task AFileIsReadToItsEndWhenItsLinkLeadsToANewFile(string left, string rotated, string expected)
    {
        await using var world = new World("app.log", static lab =>
        {
            lab.Write("first", "title\na\n");
            lab.Write("second.2", "of the week before\n");
            File.SetLastWriteTimeUtc(lab.At("second.2"), DateTime.UtcNow.AddDays(-7));
            File.CreateSymbolicLink(lab.At("app.log"), lab.At("first"));
        });
        await world.LookAsync();
        await world.SeesAsync("a");
        world.Lab.Write("first", "b\n");
        if (left != "first") world.Lab.Move("first", left);
        if (rotated != "second") world.Lab.Write(rotated, "rotated\n");
        world.Lab.Write("second", "title\nc\n");
        File.Delete(world.Lab.At("app.log"));
        File.CreateSymbolicLink(world.Lab.At("app.log"), world.Lab.At("second"));
        for (int i = 0; i < 7; i++) await world.LookAsync();
        await world.SeesAsync("c");
        Assert.Empty(world.Lab.Warnings);
        await world.EndAsync(expected);
    }

    /// <summary>The target is named like a rotated file: the template of cronolog has the date.</summary>
    [Fact]
    public async Task ALinkToANameWithADateIsReadOnce()
    {
        await using var lab = new LogLab();
        lab.Write("app.log.2026-01-30", "a\n");
        File.CreateSymbolicLink(lab.At("app.log"), lab.At("app.log.2026-01-30"));
        await lab.AcceptAsync(lab.Lines());
        lab.Write("app.log.2026-01-30", "b\n");
        lab.Write("app.log.2026-01-31", "c\n");
        File.Delete(lab.At("app.log"));
        File.CreateSymbolicLink(lab.At("app.log"), lab.At("app.log.2026-01-31"));
        await lab.AcceptAsync(lab.Lines());
        Assert.Equal(["a", "b", "c"], (await lab.AcceptedAsync()).Lines);
    }

    /// <remarks>The process was out of file descriptors for a moment, and its host stopped.</remarks>
    [Fact]
    public async Task AScanThatFailsIsReportedAndRepeated()
    {
        int scans = 0;
        await using var world = new World("*.log", static lab => lab.Write("a.log", "a\n"),
            _ =>
            {
                if (++scans is 2 or 3) throw new IOException("Too many open files");
            });
        await world.LookAsync();
        world.Lab.Write("a.log", "b\n");
        for (int i = 0; i < 3; i++) await world.LookAsync();
        await world.SeesAsync("b");
        Assert.EndsWith("cannot be looked for, and is tried again: Too many open files", Assert.Single(world.Lab.Warnings));
        await world.EndAsync("a b");
    }

    /// <remarks>The rights of a directory were taken away for a time: its files were forgotten, and all their lines came again.</remarks>
    [Fact]
    public async Task ADirectoryThatMayNotBeListedIsReportedAndItsFilesAreNotForgotten()
    {
        bool isClosed = false;
        await using var world = new World("*/*.log", static lab =>
        {
            lab.Write("a/a.log", "a\n");
            lab.Write("b/b.log", "b\n");
        }, directory =>
        {
            if (isClosed && Path.GetFileName(directory) == "a") throw new UnauthorizedAccessException("denied");
        });
        await world.LookAsync();
        await world.SeesAsync("b");
        isClosed = true;
        await world.WritesAsync("b/b.log", "bb\n", "bb");
        for (int i = 0; i < 3; i++) await world.LookAsync(TimeSpan.FromDays(1));
        isClosed = false;
        await world.WritesAsync("a/a.log", "aa\n", "aa");
        Assert.EndsWith("a cannot be listed, and its files are left out until it can: denied", Assert.Single(world.Lab.Warnings));
        await world.EndAsync("a b bb aa");
    }

    [Fact]
    public async Task AMissingDirectoryIsReportedAndWaitedFor()
    {
        await using var world = new World("later/*.log");
        await world.LookAsync();
        Assert.Contains("does not exist", Assert.Single(world.Lab.Warnings), StringComparison.Ordinal);
        await world.WritesAsync("later/app.log", "a\n", "a");
        await world.EndAsync("a");
    }

    /// <summary>The file of the stored position comes first, also if its directory comes late: the store has to know what was accepted of
    /// its line.</summary>
    [Fact]
    public async Task TheFileOfThePositionComesFirstOnceItsDirectoryIsThere()
    {
        await using var lab = new LogLab();
        Directory.CreateDirectory(lab.At("state"));
        var options = new ResumableLinesOptions { Journal = lab.At("state", "journal") };
        lab.Write("later/z.log", "z1\nz2\n");
        await lab.AcceptAsync(lab.Lines("later/*.log", options), 1);
        Directory.Move(lab.At("later"), lab.At("away"));
        var clock = new TestClock();
        var seen = new ConcurrentQueue<string>();
        await using (Consecutor<string> consecutor = lab.New(seen.Enqueue))
        {
            await using PipelineRun run = lab.Start(lab.Lines("later/*.log", options with { PollInterval = Poll }), consecutor, clock);
            await clock.WaitForTimersAsync(1, TestContext.Current.CancellationToken);
            lab.Write("away/a.log", "a1\n");
            Directory.Move(lab.At("away"), lab.At("later"));
            clock.Advance(Poll);
            await clock.WaitForTimersAsync(1, TestContext.Current.CancellationToken);
            await run.StopAsync(TimeSpan.FromMinutes(1));
        }
        Assert.Equal(["z1", "z2", "a1"], (await lab.AcceptedAsync()).Lines);
    }

    [Fact]
    public async Task ADirectoryInPlaceOfAFileIsReported()
    {
        await using var world = new World("logs", static lab => Directory.CreateDirectory(lab.At("logs")));
        await world.LookAsync();
        await world.LookAsync();
        string path = world.Lab.At("logs"), why = $"{path} is a directory. Name a file, or a pattern of files: {path}/*.log";
        Assert.Equal([$"The producer 'logs': {path} cannot be looked for, and is tried again: {why}"], world.Lab.Warnings);
        var failure = await Assert.ThrowsAsync<PipelineException>(() => world.Lab.Lines("logs").ToListAsync());
        Assert.Equal($"'logs' failed: {why}", failure.Message);
    }

    [Fact]
    public async Task TwoStarsAtTheEndOfAPatternAreFilesOfAnyDepthAndWithinANameARefusal()
    {
        await using var world = new World("**", static lab =>
        {
            lab.Write("a.log", "a\n");
            lab.Write("b/c/d.log", "d\n");
        });
        await world.SeesAsync("d");
        await world.EndAsync("a d");
        Assert.Contains("has '**.log', where ** means no more than *. Write **/*.log",
            Assert.Throws<ArgumentException>(() => world.Lab.Lines("**.log")).Message, StringComparison.Ordinal);
    }

    /// <summary>A source that follows logs, and the lines that it has emitted.</summary>
    private sealed class World : IAsyncDisposable
    {
        private readonly TestClock clock = new();
        private readonly ConcurrentQueue<string> seen = new();
        private readonly PipelineRun run;

        public World(string path, Action<LogLab>? prepare = null, Action<string>? listing = null)
        {
            prepare?.Invoke(Lab);
            Directory.CreateDirectory(Lab.At("state"));
            Source<string> lines = Lab.Lines(path,
                new() { PollInterval = Poll, Journal = Lab.At("state", "journal"), Listing = listing });
            run = (lines | (line => seen.Enqueue(line))).Start(new RunOptions { Time = clock });
        }

        public LogLab Lab { get; } = new();

        /// <summary>Lets the source scan once more, after it has finished its work.</summary>
        public async Task LookAsync(TimeSpan? after = null)
        {
            await clock.WaitForTimersAsync(1, TestContext.Current.CancellationToken);
            clock.Advance(after ?? Poll);
            await clock.WaitForTimersAsync(1, TestContext.Current.CancellationToken);
        }

        public async Task WritesAsync(string name, string text, string expected)
        {
            Lab.Write(name, text);
            await LookAsync();
            await SeesAsync(expected);
        }

        public async Task SeesAsync(string last)
        {
            while (seen.LastOrDefault() != last)
            {
                if (run.Completion.IsCompleted) await run.Completion;
                await Task.Yield();
                TestContext.Current.CancellationToken.ThrowIfCancellationRequested();
            }
        }

        public async Task EndAsync(string expected)
        {
            await run.StopAsync(TimeSpan.FromMinutes(1));
            Assert.Equal(expected, string.Join(' ', seen));
        }

        public async ValueTask DisposeAsync()
        {
            await run.DisposeAsync();
            await Lab.DisposeAsync();
        }
    }
}
