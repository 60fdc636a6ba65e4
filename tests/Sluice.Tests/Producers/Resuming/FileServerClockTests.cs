using Sluice.Testing;

namespace Sluice.Tests.Producers;

public sealed class FileServerClockTests : IDisposable
{
    private readonly DirectoryInfo directory = Directory.CreateTempSubdirectory("inbox-");

    public void Dispose() => directory.Delete(recursive: true);

    /// <remarks>Formerly the age by the clock of this machine decided: the file was taken half, and the rest was never read.</remarks>
    [Fact]
    public async Task AFileThatGrowsWhenARunStartsIsNotTakenIfTheClockOfItsServerIsBehind()
    {
        var clock = new TestClock();
        await using var intake = new Intake();
        await using Consecutor<string> consecutor = intake.New(_ => { });
        Write("grows", ServerTime());
        Write("old", ServerTime() - TimeSpan.FromSeconds(3));
        string journal = Path.Combine(directory.CreateSubdirectory(".journal").FullName, "taken");
        directory.LastWriteTimeUtc = ServerTime() - TimeSpan.FromSeconds(60);
        Source<string> files = Source.ResumableFiles("in", directory.FullName,
            new() { QuietDuration = TimeSpan.FromSeconds(2), Journal = journal, Time = clock }).Select(path => Path.GetFileName(path));
        await using PipelineRun run = intake.Start(files, consecutor);
        Assert.NotSame(run.Completion, await Task.WhenAny(clock.WaitForTimersAsync(1), run.Completion));
        Write("grows", ServerTime(), "more");
        clock.Advance(TimeSpan.FromSeconds(2));
        Assert.NotSame(run.Completion, await Task.WhenAny(clock.WaitForTimersAsync(1), run.Completion));
        clock.Advance(TimeSpan.FromSeconds(2));
        await run.Completion;
        Assert.Equal(["old", "grows"], await intake.AcceptedAsync());

        DateTime ServerTime() => clock.GetUtcNow().UtcDateTime - TimeSpan.FromSeconds(5);
    }

    private void Write(string name, DateTime written, string text = "")
    {
        string path = Path.Combine(directory.FullName, name);
        File.WriteAllText(path, text);
        File.SetLastWriteTimeUtc(path, written);
    }
}
