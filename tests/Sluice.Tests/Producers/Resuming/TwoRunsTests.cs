using Sluice.Testing;

namespace Sluice.Tests.Producers;

/// <summary>A second run of a producer that has a journal begins during the first: the first has the journal, and goes on.</summary>
public sealed class TwoRunsTests : IDisposable
{
    private readonly DirectoryInfo directory = Directory.CreateTempSubdirectory("two-runs-");
    private readonly TestClock clock = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => directory.Delete(recursive: true);

    [Theory]
    [InlineData("files")]
    [InlineData("lines")]
    public async Task TheSecondRunFailsAndTheFirstGoesOn(string kind)
    {
        Write("a");
        await using var intake = new Intake();
        await using Consecutor<string> consecutor = intake.New(_ => { });
        await using PipelineRun first = Start(kind, consecutor);
        await clock.WaitForTimersAsync(1);
        PipelineRun second = Start(kind, consecutor);
        var failure = await Assert.ThrowsAsync<PipelineException>(() => second.Completion);
        Assert.Contains("The producer 'in' cannot take its journal", failure.Message, StringComparison.Ordinal);
        Assert.Contains("If another run, perhaps in another process, has the journal, end it first", failure.Message,
            StringComparison.Ordinal);
        Write("b");
        clock.Advance(TimeSpan.FromSeconds(1));
        await clock.WaitForTimersAsync(1);
        Assert.True(await first.StopAsync());
        Assert.Equal(["a", "b"], await intake.AcceptedAsync());
        await using PipelineRun third = Start(kind, consecutor);      // the journal was given back
        await clock.WaitForTimersAsync(1);
        Assert.True(await third.StopAsync());
    }

    private PipelineRun Start(string kind, Consecutor<string> consecutor)
        => ((kind == "files" ? Files() : Lines()) | consecutor).Start(new RunOptions { Time = clock });

    private Source<string> Files() => Source.ResumableFiles("in", directory.FullName,
        new() { QuietDuration = TimeSpan.Zero, PollInterval = TimeSpan.FromSeconds(1), Time = clock })
        .Select(path => Path.GetFileName(path));

    private Source<string> Lines()
        => Source.ResumableLines("in", Path.Combine(directory.FullName, "*"), new() { PollInterval = TimeSpan.FromSeconds(1) });

    private void Write(string text) => File.WriteAllText(Path.Combine(directory.FullName, text), $"{text}\n");
}
