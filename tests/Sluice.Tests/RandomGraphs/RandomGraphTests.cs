using System.Globalization;
using FsCheck;
using FsCheck.Fluent;

namespace Sluice.Tests.RandomGraphs;

/// <summary>
/// Compares random graphs with an oracle, in every mode. SLUICE_SEED=… repeats the graph of one seed. SLUICE_GRAPHS=… sets the
/// number of graphs. SLUICE_FROM=… sets the first seed, which is random otherwise.
/// </summary>
public class RandomGraphTests
{
    private static readonly int Graphs = Repetitions.Of(1_000, all: 4_000);

    [Fact]
    public async Task EveryRandomGraphMatchesTheOracle()
    {
        if (Number("SLUICE_SEED") is { } seed)
        {
            var replayed = new Trial(isShrinking: true);
            if (replayed.Run(Dice.Case(seed)) is { } wrong) Assert.Fail(wrong);
            return;
        }
        int workers = Math.Max(1, Environment.ProcessorCount);
        int graphs = (int)(Number("SLUICE_GRAPHS") ?? (ulong)Graphs);
        ulong from = Number("SLUICE_FROM") ?? (ulong)Random.Shared.NextInt64(int.MaxValue);
        // Dedicated threads: a run on the pool must not wait for a worker that waits for the run.
        await Task.WhenAll(Enumerable.Range(0, workers).Select(worker => Task.Factory.StartNew(
            () => Check(from + (ulong)worker, (graphs + workers - 1) / workers),
            CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default)));
    }

    private static void Check(ulong seed, int graphs)
    {
        var trial = new Trial();
        var cases = Arb.From(Gen.Choose(0, int.MaxValue).Select(chosen => Dice.Case((ulong)chosen)), graph => graph.Simpler());
        FsCheck.Check.One(
            Config.QuickThrowOnFailure.WithMaxTest(graphs).WithQuietOnSuccess(true).WithReplay(seed, (2 * seed) + 1),
            Prop.ForAll(cases, graph =>
            {
                if (trial.Run(graph) is { } wrong) throw new GraphException(wrong);
            }));
    }

    private static ulong? Number(string variable)
        => Environment.GetEnvironmentVariable(variable) is { Length: > 0 } text ? ulong.Parse(text, CultureInfo.InvariantCulture) : null;
}

/// <summary>A graph behaved differently from its oracle.</summary>
internal sealed class GraphException(string message) : Exception(message);
