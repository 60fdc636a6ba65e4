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
    public void AFileThatIsGoneIsForgottenAfterADayOfTheRunOrAWeekWithoutAWrite()
    {
        string here = Path.Combine(directory, "here.log");
        File.WriteAllText(here, "a\n");
        var paths = new LogPaths(Path.Combine(directory, "*.log"));
        using var positions = LogPositions.Open(default, journal: null);
        var watch = new LogWatch("logs", paths, new(), positions, clock);
        LogRow old = Row("gone.log", days: 8), young = Row("young.log", days: 6), followed = Row("here.log", days: 8);
        Assert.False(watch.IsForgotten(old), "nothing was looked for yet");
        watch.Look();
        Assert.Equal((true, false, false), (watch.IsForgotten(old), watch.IsForgotten(young), watch.IsForgotten(followed)));
        clock.Advance(TimeSpan.FromDays(1));
        Assert.Equal((true, false), (watch.IsForgotten(young), watch.IsForgotten(followed)));

        LogRow Row(string name, int days) => new()
        {
            File = paths.IdOf(Path.Combine(directory, name)),
            Written = (clock.GetUtcNow() - TimeSpan.FromDays(days)).Ticks,
        };
    }
}
