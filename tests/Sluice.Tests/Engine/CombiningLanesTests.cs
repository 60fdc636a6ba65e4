using System.Globalization;
using Sluice.Diagnostics;
using Sluice.Testing;

namespace Sluice.Tests.Engine;

/// <summary>An aggregate with a combiner works in the lanes of the stage before it.</summary>
public class CombiningLanesTests
{
    private const int Items = 40, Lanes = 4, Schedules = 200;

    private static readonly StagePolicy InLanes = Stage.Parallel(Lanes);
    private static readonly RunOptions OnThisThread = new() { Mode = ExecutionMode.SingleThread };

    public static TheoryData<string, Func<Source<int>, Source<long>>> Stages => new()
    {
        { "a map", static source => source | (static n => (long)n) | InLanes },
        { "an unordered map", static source => source | (static n => (long)n) | Stage.Parallel(Lanes).Unordered },
        { "maps of one type", static source => source | (static n => (long)n) | InLanes | (static n => n + 1) | InLanes
            | (static n => n - 1) | InLanes },
        { "an asynchronous map", static source => source | (async n =>
            {
                await Task.Yield();
                return (long)n;
            }) | InLanes },
        { "a one-to-many stage", static source => source | (static n => Enumerable.Repeat(1L, n)) | InLanes },
        { "a one-to-many stage and a map", static source => source | (static n => Enumerable.Repeat("1", n)) | InLanes
            | (static text => long.Parse(text, CultureInfo.InvariantCulture)) | InLanes },
        { "a filter", static source => (source | (static n => n % 2 == 0 ? n * 2L : n)).Where(static n => n % 2 == 0) | InLanes },
        { "a map that is tried again", static source => source | (static n => (long)n) | InLanes | Stage.Retry(2) },
        { "a node", static source => source | StageNode.Of(static () => new Total()) | InLanes },
    };

    /// <summary>Puts a sum out when its lane ends.</summary>
    private sealed class Total : StageNode<int, long>
    {
        private long sum;

        protected override ValueTask ProcessAsync(int item, Output<long> output, CancellationToken cancellation)
        {
            sum += item;
            return default;
        }

        protected override ValueTask EndAsync(Output<long> output, CancellationToken cancellation) => output.PushAsync(sum);
    }

    [Theory, MemberData(nameof(Stages))]
    public async Task TheResultIsExactUnderEverySchedule(string name, Func<Source<int>, Source<long>> stages)
    {
        long expected = 0;
        await stages(Source.From(Enumerable.Range(0, Items))).ForEach(n => expected += n).RunAsync(OnThisThread);
        int combined = 0;
        for (int seed = 0; seed < Schedules; seed++)
        {
            var scheduler = new SeededScheduler(seed);
            List<long> seen = [];
            Pipeline pipeline = (stages(Source.From(Enumerable.Range(0, Items)))
                .Aggregate(0L, static (sum, n) => sum + n, (sum, other) =>
                {
                    combined++;
                    return sum + other;
                }) | Stage.Named("sum")).ForEach(seen.Add);
            PipelineRun run = pipeline.Start(new RunOptions { Scheduler = scheduler, TrackItems = true });
            RunSnapshot end = await scheduler.RunToEndAsync(run, maxWait: TimeSpan.Zero);
            Assert.Equal([expected], seen);
            NodeSnapshot node = end["sum"];
            Assert.Equal((end.Nodes[node.Node.Id - 1].Out, 1L, 0L, 0L), (node.In, node.Out, node.Skipped, node.Failed));
            Assert.Equal((Items, 0L, 0L), (end.Roots!.Value.Accepted, end.Roots.Value.Failed, end.Roots.Value.Pending));
        }
        Assert.True(combined > 0, $"{name}: there were no lanes");
    }

    [Theory, MemberData(nameof(Stages))]
    public async Task TheResultIsExactOnThreads(string name, Func<Source<int>, Source<long>> stages)
    {
        _ = name;
        long expected = 0;
        await stages(Source.From(Enumerable.Range(0, 500))).ForEach(n => expected += n).RunAsync(OnThisThread);
        for (int run = 0; run < 20; run++)
        {
            List<long> seen = [];
            RunSnapshot end = await stages(Source.From(Enumerable.Range(0, 500)))
                .Aggregate(0L, static (sum, n) => sum + n, static (sum, other) => sum + other).ForEach(seen.Add)
                .RunAsync(new RunOptions { TrackItems = true });
            Assert.Equal([expected], seen);
            Assert.Equal((500L, 0L), (end.Roots!.Value.Accepted, end.Roots.Value.Pending));
        }
    }

    [Fact]
    public async Task EachLaneMayChangeAnObjectOfItsOwn()
    {
        for (int seed = 0; seed < Schedules; seed++)
        {
            var scheduler = new SeededScheduler(seed);
            List<List<int>> made = [], results = [];
            Pipeline pipeline = (Source.From(Enumerable.Range(0, Items)) | (static n => n.ToString(CultureInfo.InvariantCulture)) | InLanes)
                .Aggregate(
                    () =>
                    {
                        made.Add([]);
                        return made[^1];
                    },
                    static (list, text) =>
                    {
                        list.Add(int.Parse(text, CultureInfo.InvariantCulture));
                        return list;
                    },
                    static (list, other) =>
                    {
                        list.AddRange(other);
                        return list;
                    })
                .ForEach(results.Add);
            await scheduler.RunToEndAsync(pipeline.Start(new RunOptions { Scheduler = scheduler }), maxWait: TimeSpan.Zero);
            Assert.Equal(Enumerable.Range(0, Items), Assert.Single(results).Order());
            Assert.InRange(made.Count, 1, Lanes);
            foreach (List<int> other in made.Skip(1).Where(other => other != results[0])) Assert.Equal(other.Order(), other);
        }
    }

    [Fact]
    public async Task WithoutItemsTheResultIsTheSeed()
    {
        int seeds = 0;
        List<int> seen = [];
        RunSnapshot end = await ((Source.From(Array.Empty<int>()) | (n => n) | InLanes).Aggregate(() => ++seeds, (sum, n) => sum + n,
            (sum, other) => sum + other) | Stage.Named("sum")).ForEach(seen.Add).RunAsync();
        Assert.Equal([1], seen);
        Assert.Equal((0L, 1L), (end["sum"].In, end["sum"].Out));
    }

    [Theory]
    [InlineData("map", 4)]
    [InlineData("text", 4)]
    [InlineData("sum", "4!")]
    public async Task TheFirstFailureNamesItsNodeAndItem(string node, object item)
    {
        for (int seed = 0; seed < Schedules; seed++)
        {
            var scheduler = new SeededScheduler(seed);
            List<int> seen = [];
            PipelineRun run = ((Source.From(Enumerable.Range(0, 20)) | Map | InLanes | Stage.Named("map")
                    | Text | InLanes | Stage.Named("text") | (static (string text) => text + "!") | InLanes)
                .Aggregate(0, (count, text) => Pass(count + 1, "sum", text is "4!" or "9!"), static (count, other) => count + other)
                | Stage.Named("sum")).ForEach(seen.Add).Start(new RunOptions { Scheduler = scheduler, TrackItems = true });
            var failure = await Assert.ThrowsAsync<PipelineException>(() => scheduler.RunToEndAsync(run, maxWait: TimeSpan.Zero));
            Assert.Equal((node, item), (failure.Node, failure.Item));
            Assert.Empty(seen);
            RunSnapshot end = run.Snapshot();
            Assert.InRange(end[node].Failed, 1, 2);              // another lane may have come to item 9
            Assert.Equal(0, end["sum"].Out);
            ItemCounts roots = end.Roots!.Value;
            Assert.InRange(roots.Failed, 1, 2);
            Assert.Equal(roots.Accepted, roots.Completed + roots.Skipped + roots.Failed + roots.Pending);
        }

        T Pass<T>(T value, string at, bool isBroken) => at == node && isBroken ? throw new FormatException("no") : value;
        int Map(int n) => Pass(n, "map", n is 4 or 9);
        string Text(int n) => Pass(n.ToString(CultureInfo.InvariantCulture), "text", n is 4 or 9);
    }

    [Theory]
    [InlineData("seed")]
    [InlineData("combine")]
    public async Task AFailureOfSeedOrCombineNamesTheNode(string what)
    {
        int failures = 0;
        for (int seed = 0; seed < Schedules; seed++)
        {
            var scheduler = new SeededScheduler(seed);
            List<long> seen = [];
            PipelineRun run = ((Source.From(Enumerable.Range(0, Items)) | (static n => (long)n) | InLanes)
                .Aggregate(() => what == "seed" ? throw new FormatException("no seed") : 0L, static (sum, n) => sum + n,
                    (_, _) => throw new FormatException("no sum")) | Stage.Named("sum"))
                .ForEach(seen.Add).Start(new RunOptions { Scheduler = scheduler });
            try
            {
                await scheduler.RunToEndAsync(run, maxWait: TimeSpan.Zero);
                Assert.Equal([Enumerable.Range(0, Items).Sum()], seen);          // one lane did everything
            }
            catch (PipelineException failure)
            {
                failures++;
                Assert.Equal(what == "seed" ? "'sum' failed: no seed" : "'sum' failed: no sum", failure.Message);
                Assert.InRange(run.Snapshot()["sum"].Failed, 1, Items);      // a lane goes on until the run stops
                Assert.Empty(seen);
            }
        }
        Assert.InRange(failures, what == "seed" ? Schedules : 1, Schedules);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(11)]
    [InlineData(Items - 1)]
    public async Task ACancelledRunPutsNoResultOut(int at)
    {
        for (int seed = 0; seed < Schedules; seed++)
        {
            var scheduler = new SeededScheduler(seed);
            List<long> seen = [];
            PipelineRun? run = null;
            PipelineRun ended = (Source.From(Enumerable.Range(0, Items)) | (static n => (long)n) | InLanes)
                .Aggregate(0L, (sum, n) =>
                {
                    if (n == at) _ = run!.CancelAsync();
                    return sum + n;
                }, static (sum, other) => sum + other)
                .ForEach(seen.Add).Start(new RunOptions { Scheduler = scheduler, OnStarted = started => run = started });
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => scheduler.RunToEndAsync(ended, maxWait: TimeSpan.Zero));
            Assert.Empty(seen);
            Assert.Empty(ended.StillRunning);
        }
    }

    [Fact]
    public async Task ALaneWithAnEndlessSequenceLetsOthersWork()
    {
        for (int seed = 0; seed < 20; seed++)
        {
            var scheduler = new SeededScheduler(seed);
            PipelineRun? run = null;
            PipelineRun ended = (Source.From([0, 1]) | Sequence | Stage.Parallel(2))
                .Aggregate(0L, static (sum, n) => sum + n, static (sum, other) => sum + other)
                .ForEach(static _ => { }).Start(new RunOptions { Scheduler = scheduler, OnStarted = started => run = started });
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => scheduler.RunToEndAsync(ended, maxWait: TimeSpan.Zero));

            IEnumerable<long> Sequence(int n)
            {
                if (n == 1) _ = run!.CancelAsync();
                for (long i = 0; ; i++) yield return i;
            }
        }
    }

    [Fact]
    public async Task APolicyKeepsTheAggregateInOnePlace()
    {
        List<int> seen = [];
        RunSnapshot end = await ((Source.From(Enumerable.Range(0, 10)) | (n => n) | InLanes)
            .Aggregate(0, (sum, n) => n % 3 == 0 ? throw new FormatException("no") : sum + n,
                (_, _) => throw new InvalidOperationException("There are no lanes to combine."))
            | Stage.Named("sum") | Stage.OnError(ErrorPolicy.Skip)).ForEach(seen.Add).RunAsync();
        Assert.Equal([1 + 2 + 4 + 5 + 7 + 8], seen);
        Assert.Equal((10L, 1L, 4L), (end["sum"].In, end["sum"].Out, end["sum"].Failed));
    }

    [Fact]
    public async Task BehindKeyByEveryKeyHasAResult()
    {
        List<int> seen = [];
        await (Source.From(Enumerable.Range(0, 10)) | Stage.KeyBy((int n) => n % 2)).Aggregate(() => 0, (sum, n) => sum + n,
            (_, _) => throw new InvalidOperationException("There are no lanes to combine.")).ForEach(seen.Add).RunAsync();
        Assert.Equal([20, 25], seen.Order());
    }

    [Fact]
    public async Task TheTimeOfTheLanesIsTheNodes()
    {
        RunSnapshot end = await ((Source.From(Enumerable.Range(0, 100)) | (n => (long)n) | InLanes)
            .Aggregate(0L, (sum, n) => sum + n, (sum, other) => sum + other) | Stage.Named("sum")).ForEach(_ => { })
            .RunAsync(new RunOptions { RecordTimings = true });
        Assert.True(end["sum"].Time > TimeSpan.Zero);
        Assert.NotEmpty(end["sum"].Slowest);
        Assert.Equal((100L, 1L), (end["sum"].In, end["sum"].Out));
    }

    [Fact]
    public void TheTopologyIsThatOfAPlainAggregate()
    {
        Source<long> lanes = Source.From([1]) | (n => (long)n) | InLanes;
        Assert.Equal(lanes.Aggregate(0L, (sum, n) => sum + n).Topology.ToText(),
            lanes.Aggregate(0L, (sum, n) => sum + n, (sum, other) => sum + other).Topology.ToText());
    }
}
