namespace Sluice.Tests.RandomGraphs;

/// <summary>Tests the random graph tests: an injected fault is detected, and a sound engine is not reported.</summary>
public class InjectedFaultTests
{
    private const int Graphs = 100;

    [Theory]
    [InlineData(nameof(Sabotage.Drops), "items came instead of")]
    [InlineData(nameof(Sabotage.Repeats), "of its lane instead of")]
    [InlineData(nameof(Sabotage.Overtakes), "of its lane instead of")]
    [InlineData(nameof(Sabotage.NeverSettles), "root items are pending")]
    [InlineData(nameof(Sabotage.Hangs), "has stalled")]
    public async Task AnInjectedEngineFaultIsDetected(string sabotage, string complaint)
    {
        var kind = Enum.Parse<Sabotage>(sabotage);
        // Only the seeded mode detects a stall at once. The other modes need a long timeout.
        Mode[] modes = kind == Sabotage.Hangs ? [Mode.Seeded] : Enum.GetValues<Mode>();
        List<string> found = await OnThreadAsync(() => [.. Cases().SelectMany(graph => modes.Select(mode
            => Execution.Check(graph, mode, 1, source => new SabotagedSource(source, kind)))).OfType<string>()
            .Take(kind == Sabotage.Hangs ? 1 : Graphs)]);
        Assert.Contains(found, wrong => wrong.Contains(complaint, StringComparison.Ordinal));
    }

    [Fact]
    public async Task AHarmlessSaboteurIsNotReported()
    {
        var trial = new Trial(sabotage: source => new SabotagedSource(source, Sabotage.None));
        List<string> found = await OnThreadAsync(() => [.. Cases().Select(trial.Run).OfType<string>().Take(1)]);
        Assert.Empty(found);
    }

    [Fact]
    public void ASeedMakesTheSameGraphEveryTime()
        => Assert.All(Enumerable.Range(0, Graphs), seed => Assert.Equal(Dice.Case((ulong)seed).ToString(),
        Dice.Case((ulong)seed).ToString()));

    [Fact]
    public void EveryKindOfStepIsGenerated()
    {
        HashSet<Type> thrown = [.. Enumerable.Range(0, 5 * Graphs).SelectMany(seed => Inside(Dice.Case((ulong)seed).Graph.Flow.Chain))
            .Select(step => step.GetType())];
        Assert.Empty(typeof(Step).Assembly.GetTypes().Where(type => type.IsSubclassOf(typeof(Step)) && !type.IsAbstract).Except(thrown));
    }

    private static IEnumerable<Step> Inside(Chain chain) => chain.Steps.SelectMany(step => step.Branches.SelectMany(Inside).Prepend(step));

    private static IEnumerable<GraphCase> Cases() => Enumerable.Range(1, Graphs).Select(seed => Dice.Case((ulong)seed));

    private static Task<List<string>> OnThreadAsync(Func<List<string>> work)
        => Task.Factory.StartNew(work, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
}
