using System.Collections.Concurrent;
using Sluice.Diagnostics;
using Sluice.Testing;
using Sluice.Topologies;

namespace Sluice.Tests.Pipelines;

/// <summary>Random pipelines emit the items that a computation on lists expects. <c>SLUICE_GRAPHS</c> sets the number of graphs,
/// <c>SLUICE_SEED</c> the first seed.</summary>
public sealed class RandomWiringTests
{
    public enum Way
    {
        SingleThread,
        Seeded,
        Threads,
    }

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private static int First => int.TryParse(Environment.GetEnvironmentVariable("SLUICE_SEED"), out int seed) ? seed : 0;

    private static int Graphs(int usual) => int.TryParse(Environment.GetEnvironmentVariable("SLUICE_GRAPHS"), out int asked) ? asked
        : usual;

    [Theory, InlineData(Way.SingleThread), InlineData(Way.Seeded), InlineData(Way.Threads)]
    public async Task ARandomGraphEmitsTheExpectedItems(Way way)
    {
        for (int seed = First; seed < First + Graphs(200); seed++)
        {
            List<RandomWiring.Piece> ends = new RandomWiring(seed).Grow().Ends;
            ConcurrentQueue<long>[] seen = [.. ends.Select(_ => new ConcurrentQueue<long>())];
            Pipeline pipeline = Pipeline.Of([.. ends.Select((end, i) => end.Source.ForEach(seen[i].Enqueue))]);
            RunSnapshot snapshot = await PlayAsync(pipeline, Options(way, seed));

            for (int i = 0; i < ends.Count; i++) AssertSame(ends[i].Items, seen[i], seed, i, pipeline);
            Assert.Equal((snapshot.Roots!.Value.Accepted, 0),
                (snapshot.Roots.Value.Completed + snapshot.Roots.Value.Skipped, snapshot.Roots.Value.Pending));
            string[] names = [.. pipeline.Topology.Nodes.Select(node => node.Name)];
            Assert.Equal(names.Length, names.Distinct(StringComparer.Ordinal).Count());
            foreach (string name in names) Assert.True(snapshot[name].Failed == 0, $"graph {seed}: {name}");
        }
    }

    [Fact]
    public async Task ANodeOfARandomGraphCanBeLoggedAndReplaced()
    {
        int graphs = Graphs(100), tested = 0;
        for (int seed = First; seed < First + graphs; seed++)
        {
            List<RandomWiring.Piece> ends = new RandomWiring(seed).Grow().Ends;
            ConcurrentQueue<long>[] seen = [.. ends.Select(_ => new ConcurrentQueue<long>())];
            Pipeline pipeline = Pipeline.Of([.. ends.Select((end, i) => end.Source.ForEach(seen[i].Enqueue))]);
            TopologyNode[] maps = [.. pipeline.Topology.Nodes.Where(node => node.Name.StartsWith("Plus", StringComparison.Ordinal))];
            if (maps.Length == 0) continue;
            string name = maps[seed % maps.Length].Name;
            int lines = 0, calls = 0;
            Pipeline changed = pipeline.Replace(name, Pipe.Of<long>() | (n => n + 7 + (0 * Interlocked.Increment(ref calls))))
                .Log(name, "input", _ => Interlocked.Increment(ref lines));
            Assert.Equal(pipeline.Topology.Nodes.Select(node => node.Name), changed.Topology.Nodes.Select(node => node.Name));
            RunSnapshot snapshot = await changed.RunAsync(new RunOptions { Mode = ExecutionMode.SingleThread }, Cancellation);
            for (int i = 0; i < ends.Count; i++) AssertSame(ends[i].Items, seen[i], seed, i, changed);
            Assert.Equal((snapshot[name].In, snapshot[name].In), (lines, calls));
            if (calls > 0) tested++;
        }
        Assert.True(graphs < 20 || tested > graphs / 2, $"Items reached the node in {tested} of {graphs} graphs.");
    }

    /// <summary>With a store, and with failures that a retry repairs, each item reaches the downstream consecutors exactly once.</summary>
    [Theory, InlineData(Way.SingleThread), InlineData(Way.Threads)]
    public async Task ARandomGraphInAConsecutorEmitsEachItemOnce(Way way)
    {
        for (int seed = First; seed < First + Graphs(30); seed++)
        {
            List<long> items = [.. Enumerable.Range(1, 4 + (seed % 5))];
            var failed = new ConcurrentDictionary<long, bool>();
            List<RandomWiring.Piece> ends = [];
            await using var store = new MemoryStreamStore();
            ExecutionMode mode = way == Way.SingleThread ? ExecutionMode.SingleThread : ExecutionMode.MultiThread;
            var options = new ConsecutorOptions
            {
                Store = store,
                Delivery = DeliveryGuarantee.Replay(3, Backoff.None),
                Run = new() { Mode = mode, MaxBufferedItems = 1 + (seed % 5) }
            };
            await using var wired = new Consecutor<long>("wired", source =>
            {
                ends = new RandomWiring(seed, (source | FailOnce).Share(), items).Grow().Ends;
                return Pipeline.Of([.. ends.Select((end, i) => end.Source | (n => i % 2 == 0 ? FailOnce(n) : n)
                    | Sink.Output<long>($"end{i}"))]);
            }, options);
            ConcurrentQueue<long>[] seen = [.. ends.Select(_ => new ConcurrentQueue<long>())];
            List<Consecutor<long>> targets = [];
            for (int i = 0; i < ends.Count; i++)
            {
                ConcurrentQueue<long> queue = seen[i];
                targets.Add(new($"target{i}", source => source | queue.Enqueue, options));
                wired.Output<long>($"end{i}").To(targets[i]);
            }
            foreach (Consecutor<long> target in targets) await target.StartAsync(Cancellation);
            await wired.StartAsync(Cancellation);
            foreach (long item in items) await wired.SendAsync(item);
            ConsecutorSnapshot end = await wired.WaitForIdleAsync(Cancellation);
            Assert.True(end.Completed + end.Skipped == items.Count && end.Dead == 0, $"graph {seed}: {end}");
            Assert.Contains(3, failed.Keys);
            for (int i = 0; i < ends.Count; i++)
            {
                await targets[i].WaitForIdleAsync(Cancellation);
                AssertSame(ends[i].Items, seen[i], seed, i, null);
                await targets[i].DisposeAsync();
            }

            long FailOnce(long n) => n % 3 == 0 && failed.TryAdd(n, true) ? throw new FormatException("once") : n;
        }
    }

    private static RunOptions Options(Way way, int seed) => new()
    {
        Mode = way == Way.SingleThread ? ExecutionMode.SingleThread : ExecutionMode.MultiThread,
        MaxBufferedItems = 1 + (seed % 5),
        TrackItems = true,
        Scheduler = way == Way.Seeded ? new SeededScheduler(seed) : null,
    };

    private static async Task<RunSnapshot> PlayAsync(Pipeline pipeline, RunOptions options)
    {
        await using PipelineRun run = pipeline.Start(options, Cancellation);
        options.Scheduler?.Drive();
        await run.Completion;
        return run.Snapshot();
    }

    private static void AssertSame(List<long> expected, ConcurrentQueue<long> seen, int seed, int end, Pipeline? pipeline) => Assert.True(
        expected.Order().SequenceEqual(seen.Order()),
            $"graph {seed}, end {end}: {string.Join(' ', seen.Order())} instead "
                + $"of {string.Join(' ', expected.Order())}\n{pipeline?.Topology.ToText()}");
}
