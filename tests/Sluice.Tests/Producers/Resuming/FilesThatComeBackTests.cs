using Sluice.Testing;

namespace Sluice.Tests.Producers;

public sealed class FilesThatComeBackTests : IDisposable
{
    private readonly DirectoryInfo directory = Directory.CreateTempSubdirectory("inbox-");

    public void Dispose() => directory.Delete(recursive: true);

    /// <remarks>The file server was away for a moment: files of the journal were left out for good.</remarks>
    [Fact]
    public async Task FilesThatComeBackDuringTheRunAreTakenOnceAlsoByLaterRuns()
    {
        var clock = new TestClock();
        var warnings = new List<string>();
        string journal = directory.FullName + ".taken", away = directory.FullName + ".away";
        var options = new ResumableFilesOptions
        {
            QuietDuration = TimeSpan.Zero,
            PollInterval = TimeSpan.FromMinutes(1),
            Journal = journal,
            Time = clock,
            OnWarning = warnings.Add,
        };
        Source<string> files = Source.ResumableFiles("in", directory.FullName, options).Select(path => Path.GetFileName(path));
        foreach (string name in (string[])["a", "b", "c"]) Write(name);
        await using var intake = new Intake();
        await intake.AcceptAsync(files, 2);
        Directory.Move(directory.FullName, away);
        directory.Create();
        await using (Consecutor<string> consecutor = intake.New(_ => { }))
        {
            await using PipelineRun run = intake.Start(files, consecutor);
            await clock.WaitForTimersAsync(1, TestContext.Current.CancellationToken);
            directory.Delete(recursive: true);
            Directory.Move(away, directory.FullName);
            Write("d");
            clock.Advance(TimeSpan.FromMinutes(1));
            await clock.WaitForTimersAsync(1, TestContext.Current.CancellationToken);
            Assert.True(await run.StopAsync(cancellation: TestContext.Current.CancellationToken));
        }
        Assert.Contains("leaves out " + Path.Combine(directory.FullName, "c"), Assert.Single(warnings), StringComparison.Ordinal);
        Assert.Equal(["a", "b", "c", "d"], await intake.AcceptedAsync());
        await using var again = new Intake();        // without a position: the journal has c twice
        await again.AcceptAsync(Source.ResumableFiles("in", directory.FullName, options with { PollInterval = null })
            .Select(path => Path.GetFileName(path)));
        Assert.Equal(["a", "b", "c", "d"], await again.AcceptedAsync());
        Assert.Equal(["a", "b", "c", "c", "d"], (await File.ReadAllLinesAsync(journal, TestContext.Current.CancellationToken))
            .Select(static line => line[(line.LastIndexOf(' ') + 1)..]));
        File.Delete(journal);
    }

    private void Write(string name) => File.WriteAllText(Path.Combine(directory.FullName, name), name);
}
