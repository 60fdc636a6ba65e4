using System.Runtime.Versioning;

namespace Sluice.Tests.Executors;

/// <summary>Workers in Python whose answers are damaged: the pipeline ends, and says why, or has a result for each item.</summary>
[StartsProcesses]
[Collection("child processes")]
[UnsupportedOSPlatform("windows")]
public sealed class PythonDamageTests
{
    private const int FirstSeed = 1_000;
    private static readonly int Damages = Environment.GetEnvironmentVariable("SLUICE_DAMAGES") is null ? 20 : 500;

    /// <summary>A damaged answer may be another result of the same item: nobody can tell. All other items have their results.</summary>
    [Fact]
    public async Task DamagedAnswersHarmNoOtherItem()
    {
        CancellationToken cancellation = TestContext.Current.CancellationToken;
        int[] items = [.. Enumerable.Range(0, Damages).SelectMany(static n => new[] { 100 + n, FirstSeed + n })];
        PipelineRun? run = null;
        var python = new PythonStageOptions
        {
            Python = new() { ImportPaths = [PythonLab.Package, PythonLab.Modules] },
            Process = new() { MaxItemsPerWorker = 1, MaxFailedStarts = 1_000, MaxCrashes = 1 }
        };
        List<int> results = await (Source.From(items) | Python.Map<int, int>("damaged:same", python) | Stage.Parallel(2)
            | Stage.OnError(ErrorPolicy.DeadLetter)).ToListAsync(new RunOptions { OnStarted = started => run = started }, cancellation);
        Assert.Equal(items.Where(static n => n < FirstSeed), results.Where(n => n >= 100 && n < 100 + Damages).Distinct());
        Assert.All(run!.DeadLetters, static letter => Assert.True(letter.Item is >= FirstSeed, $"{letter.Item}"));
        Assert.True(run.DeadLetters.Count > Damages / 2, $"{run.DeadLetters.Count} of {Damages} answers were refused.");
        Assert.Empty(PythonLab.Children());
    }

    /// <summary>The item of an answer that is cut off is repeated, and given up like one that kills its worker.</summary>
    [Fact]
    public async Task TheItemOfAnAnswerThatIsCutOffIsADeadLetter()
    {
        PipelineRun? run = null;
        var python = new PythonStageOptions
        {
            Python = new() { ImportPaths = [PythonLab.Package, PythonLab.Modules] },
            Process = new() { MaxItemsPerWorker = 1, MaxCrashes = 1 }
        };
        List<int> results = await (Source.From([16, 17, 18]) | Python.Map<int, int>("damaged:same", python)
            | Stage.OnError(ErrorPolicy.DeadLetter)).ToListAsync(new RunOptions { OnStarted = started => run = started },
            TestContext.Current.CancellationToken);
        Assert.Equal([16, 18], results);
        Assert.Equal(17, Assert.Single(run!.DeadLetters).Item);
    }
}
