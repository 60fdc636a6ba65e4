using Sluice.Producers;
using Sluice.Testing;

namespace Sluice.Tests.Producers;

/// <summary>Which rows of files that are gone leave the journal.</summary>
public sealed class LogWatchTests : IDisposable
{
    private readonly string directory = Directory.CreateTempSubdirectory("logs-").FullName;
    private readonly TestClock clock = new();

    public void Dispose() => Directory.Delete(directory, recursive: true);

    /// <remarks>Formerly only a run of a day dropped rows: with a start each day, the journal had all files that there ever were.</remarks>
    [Fact]
    public void AFileThatIsGoneIsForgottenAfterADayOfTheRunOrAnHourAndAWeekWithoutAWrite()
    {
        File.WriteAllText(Path.Combine(directory, "here.log"), "a\n");
        var paths = new LogPaths(Path.Combine(directory, "*.log"));
        using var positions = LogPositions.Open(default, journal: null);
        var watch = new LogWatch("logs", paths, new(), positions, clock);
        LogRow old = Row(paths, "gone.log", days: 8), young = Row(paths, "young.log", days: 6), followed = Row(paths, "here.log", days: 8);
        watch.Look();
        Assert.False(watch.IsForgotten(old), "its directory may be mounted soon");
        clock.Advance(TimeSpan.FromHours(1));
        watch.Look();
        Assert.Equal((true, false, false), (watch.IsForgotten(old), watch.IsForgotten(young), watch.IsForgotten(followed)));
        clock.Advance(TimeSpan.FromHours(23));
        Assert.Equal((true, false), (watch.IsForgotten(young), watch.IsForgotten(followed)));
    }

    /// <summary>Without a consecutor nobody stores positions: a line costs the same beside a hundred thousand files, and what is gone for
    /// a day is forgotten.</summary>
    [Fact]
    public void PositionsThatNobodyStoresAreOffsetsOnly()
    {
        var paths = new LogPaths(Path.Combine(directory, "*.log"));
        using var positions = LogPositions.Unstored();
        for (int i = 0; i < 1000; i++) positions.Set(Row(paths, $"{i}.log", days: 0));
        Assert.Empty(positions.Around(Row(paths, "1.log", days: 0).File));
        var watch = new LogWatch("logs", paths, new(), positions, clock);
        File.WriteAllText(Path.Combine(directory, "0.log"), "a\n");
        File.WriteAllText(Path.Combine(directory, "1.log"), "a\n");
        watch.Look();
        File.Delete(Path.Combine(directory, "1.log"));
        watch.IsGone(watch.Look().Single(static file => file.Path.EndsWith("1.log", StringComparison.Ordinal)));
        clock.Advance(TimeSpan.FromDays(1));
        watch.Look();
        Assert.Null(positions.Find(Row(paths, "1.log", days: 0).File));
        Assert.NotNull(positions.Find(Row(paths, "0.log", days: 0).File));
    }

    /// <remarks>All lines of its files came again when the rights were back.</remarks>
    [Fact]
    public void NoFileIsForgottenWhileADirectoryMayNotBeListed()
    {
        string closed = Directory.CreateDirectory(Path.Combine(directory, "a")).FullName;
        bool isClosed = true;
        var paths = new LogPaths(Path.Combine(directory, "*", "*.log"), listed =>
        {
            if (isClosed && listed == closed) throw new UnauthorizedAccessException("denied");
        });
        using var positions = LogPositions.Open(default, journal: null);
        List<string> warnings = [];
        var watch = new LogWatch("logs", paths, new() { OnWarning = warnings.Add }, positions, clock);
        LogRow old = Row(paths, "a/a.log", days: 8);
        watch.Look();
        clock.Advance(TimeSpan.FromDays(2));
        watch.Look();
        Assert.False(watch.IsForgotten(old));
        Assert.Contains($"The directory {closed} cannot be listed", Assert.Single(warnings), StringComparison.Ordinal);
        isClosed = false;
        watch.Look();
        Assert.True(watch.IsForgotten(old));
    }

    /// <remarks>With lost+found, a directory that this user may never list, a journal of dated files grew for ever.</remarks>
    [Fact]
    public void AFileThatThisRunHasSeenAndMissesIsForgottenWhateverOtherDirectoriesMayBeListed()
    {
        string closed = Directory.CreateDirectory(Path.Combine(directory, "closed")).FullName;
        string path = Path.Combine(Directory.CreateDirectory(Path.Combine(directory, "a")).FullName, "a.log");
        File.WriteAllText(path, "a\n");
        var paths = new LogPaths(Path.Combine(directory, "*", "*.log"), listed =>
        {
            if (listed == closed) throw new UnauthorizedAccessException("denied");
        });
        using var positions = LogPositions.Open(default, journal: null);
        var watch = new LogWatch("logs", paths, new() { OnWarning = static _ => { } }, positions, clock);
        FollowedFile followed = Assert.Single(watch.Look());
        LogRow seen = Row(paths, "a/a.log", days: 0), hidden = Row(paths, "closed/b.log", days: 8);
        File.Delete(path);
        Assert.Same(followed, Assert.Single(watch.Look()));
        watch.IsGone(followed);
        watch.Look();
        clock.Advance(TimeSpan.FromHours(23));
        watch.Look();
        Assert.False(watch.IsForgotten(seen));
        clock.Advance(TimeSpan.FromHours(1));
        watch.Look();
        Assert.Equal((true, false), (watch.IsForgotten(seen), watch.IsForgotten(hidden)));
        File.WriteAllText(path, "b\n");
        watch.Look();
        Assert.False(watch.IsForgotten(seen), "it is back");
    }

    /// <remarks>One mount that was away ended the reading of all files.</remarks>
    [Fact]
    public void ADirectoryWithAnErrorOfItsDiskHidesItsOwnFilesOnly()
    {
        bool isAway = false;
        string away = Directory.CreateDirectory(Path.Combine(directory, "away")).FullName;
        string path = Path.Combine(Directory.CreateDirectory(Path.Combine(directory, "b")).FullName, "b.log");
        File.WriteAllText(Path.Combine(away, "a.log"), "a\n");
        File.WriteAllText(path, "b\n");
        var paths = new LogPaths(Path.Combine(directory, "*", "*.log"), listed =>
        {
            if (isAway && listed == away) throw new IOException("Transport endpoint is not connected");
        });
        using var positions = LogPositions.Open(default, journal: null);
        List<string> warnings = [];
        var options = new ResumableLinesOptions { OnWarning = warnings.Add, PollInterval = TimeSpan.FromSeconds(1) };
        var watch = new LogWatch("logs", paths, options, positions, clock);
        foreach (FollowedFile file in watch.Look()) file.Read = file.Found;
        isAway = true;
        File.AppendAllText(path, "c\n");
        Assert.Equal(path, Assert.Single(watch.Look()).Path);
        Assert.Contains($"The directory {away} cannot be listed", Assert.Single(warnings), StringComparison.Ordinal);
        Assert.Throws<IOException>(new LogWatch("logs", paths, new(), positions, clock).Look);
    }

    /// <remarks>Without the interval, the source does not look again.</remarks>
    [Theory]
    [InlineData("*.log")]
    [InlineData("**/*.log")]
    public void ADirectoryBeforeTheWildcardsThatMayNotBeListedIsAnErrorWithoutAnInterval(string pattern)
    {
        var paths = new LogPaths(Path.Combine(directory, pattern), static _ => throw new UnauthorizedAccessException("denied"));
        using var positions = LogPositions.Open(default, journal: null);
        List<string> warnings = [];
        Assert.Throws<UnauthorizedAccessException>(new LogWatch("logs", paths, new(), positions, clock).Look);
        var options = new ResumableLinesOptions { OnWarning = warnings.Add, PollInterval = TimeSpan.FromSeconds(1) };
        var polls = new LogWatch("logs", paths, options, positions, clock);
        Assert.Empty(polls.Look());
        Assert.Empty(polls.Look());
        Assert.Contains("is tried again: denied", Assert.Single(warnings), StringComparison.Ordinal);
    }

    /// <remarks>As with a file for each day: each has a row or two in the journal. Formerly such a journal was never rewritten.</remarks>
    [Fact]
    public void AJournalOfFilesThatAreGoneIsRewrittenWithoutThem()
    {
        const int Gone = 5_000;
        File.WriteAllText(Path.Combine(directory, "here.log"), "a\n");
        var paths = new LogPaths(Path.Combine(directory, "*.log"));
        LogRow followed = Row(paths, "here.log", days: 8);
        ReadOnlyMemory<byte> renewed;
        using (LogPositions positions = Open(default))
        {
            foreach (int i in Enumerable.Range(0, Gone)) Put(positions, Row(paths, $"{i}.log", days: 8));
            Put(positions, followed);
            var watch = new LogWatch("logs", paths, new(), positions, clock);
            watch.Look();
            Assert.False(positions.IsWasteful);
            clock.Advance(TimeSpan.FromHours(1));
            watch.Look();
            Assert.True(positions.IsWasteful);
            renewed = positions.Renew(watch.IsForgotten);
            positions.Renewed();
            watch.Look();
            Assert.False(positions.IsWasteful);
        }
        using LogPositions again = Open(renewed);
        Assert.Equal((followed, null), (again.Find(followed.File), again.Find(Row(paths, "1.log", days: 8).File)));
        Assert.InRange(new FileInfo(Path.Combine(directory, "journal")).Length, 1, 200);

        LogPositions Open(ReadOnlyMemory<byte> stored)
            => LogPositions.Open(stored, new JournalClaim("logs", Path.Combine(directory, "journal"), LogJournal.Share));

        static void Put(LogPositions positions, LogRow row)
        {
            positions.MakeRoom(1);
            positions.Set(row);
            positions.Enter(row);
        }
    }

    /// <summary>Otherwise the files at the end of the order wait for ever, if those before them take all the time of each scan.</summary>
    [Fact]
    public void AScanBeginsWithTheFileThatTheLastOneHadNoTimeFor()
    {
        foreach (string name in (string[])["a.log", "b.log", "c.log"]) File.WriteAllText(Path.Combine(directory, name), "a\n");
        using var positions = LogPositions.Unstored();
        var watch = new LogWatch("logs", new(Path.Combine(directory, "*.log")), new(), positions, clock);
        Assert.Equal("a b c", Names());
        watch.First = watch.Look()[1];
        Assert.Equal("b c a", Names());
        Assert.Equal("a b c", Names());

        string Names() => string.Join(' ', watch.Look().Select(static file => Path.GetFileNameWithoutExtension(file.Path)));
    }

    private LogRow Row(LogPaths paths, string name, int days) => new()
    {
        File = paths.IdOf(Path.Combine(directory, name)),
        Written = (clock.GetUtcNow() - TimeSpan.FromDays(days)).Ticks,
    };
}
