using Sluice.Testing;

namespace Sluice.Tests.Producers;

public sealed class OverwrittenFilesTests : IDisposable
{
    private readonly DirectoryInfo directory = Directory.CreateTempSubdirectory("inbox-");

    public void Dispose() => directory.Delete(recursive: true);

    /// <summary>The files of each day have the names of the day before.</summary>
    [Fact]
    public async Task FilesThatAreOverwrittenUnderTheirNamesAreReportedByTheNextRun()
    {
        List<string> told = [];
        Source<string> files = Source.ResumableFiles("in", directory.FullName,
            new() { QuietDuration = TimeSpan.Zero, OnWarning = told.Add });
        foreach (string name in (string[])["a", "b", "c", "d", "e"]) Write(name, DateTime.UtcNow - TimeSpan.FromDays(2));
        await using var intake = new Intake();
        await intake.AcceptAsync(files);
        await intake.AcceptAsync(files);
        Assert.Empty(told);
        File.SetLastWriteTimeUtc(Path.Combine(directory.FullName, ".in.taken"), DateTime.UtcNow - TimeSpan.FromDays(1));
        foreach (string name in (string[])["e", "d", "b", "a", "f"]) Write(name, DateTime.UtcNow - TimeSpan.FromHours(1));
        await intake.AcceptAsync(files);
        Assert.Equal($"The producer 'in' has taken a, b, d and 1 more before, and they were written since, in {directory.FullName}: what "
            + "is new in them is not read. A file is taken once, by its name. Give new content a name of its own; use "
            + "Source.ResumableLines for a file that grows.", Assert.Single(told));
        await intake.AcceptAsync(files);
        Assert.Single(told);                         // said once for each change
        Assert.Equal(6, (await intake.AcceptedAsync()).Length);
    }

    /// <remarks>The next run compares with the journal, which every new file writes.</remarks>
    [Fact]
    public async Task OneOfTheLast1000FilesThatIsOverwrittenDuringTheRunIsReportedByIt()
    {
        List<string> told = [];
        var clock = new TestClock();
        DateTime written = DateTime.UtcNow - TimeSpan.FromDays(1);
        for (int i = 0; i < 500; i++) Write($"{i:D4}", written);
        Source<string> files = Source.ResumableFiles("in", directory.FullName, new()
        {
            QuietDuration = TimeSpan.Zero,
            PollInterval = TimeSpan.FromSeconds(1),
            OnWarning = told.Add,
            Time = clock,
            Journal = Path.Combine(directory.CreateSubdirectory("state").FullName, "taken"),
        });
        await using PipelineRun run = (files | (static _ => { })).Start();
        await LookAsync();
        for (int i = 500; i < 1500; i++) Write($"{i:D4}", written);
        await LookAsync();
        foreach (string name in (string[])["0001", "1400", "1499"]) Write(name, written + TimeSpan.FromHours(1));
        await LookAsync();
        Write("new", written + TimeSpan.FromHours(1));
        await LookAsync();
        Assert.StartsWith("The producer 'in' has taken 1400, 1499 before, and they were written since", Assert.Single(told),
            StringComparison.Ordinal);
        Write("new", written + TimeSpan.FromHours(2));
        await LookAsync();
        Assert.StartsWith("The producer 'in' has taken new before, and it was written since", told[^1], StringComparison.Ordinal);
        Assert.Equal(2, told.Count);
        await run.StopAsync(TimeSpan.FromMinutes(1));

        async Task LookAsync()
        {
            await clock.WaitForTimersAsync(1, TestContext.Current.CancellationToken);
            clock.Advance(TimeSpan.FromSeconds(1));
            await clock.WaitForTimersAsync(1, TestContext.Current.CancellationToken);
        }
    }

    private void Write(string name, DateTime written)
    {
        string path = Path.Combine(directory.FullName, name);
        File.WriteAllText(path, name);
        File.SetLastWriteTimeUtc(path, written);
    }
}
