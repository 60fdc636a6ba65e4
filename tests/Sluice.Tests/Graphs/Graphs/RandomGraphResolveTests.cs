using Sluice.Graphs;
using Sluice.Testing;
using Sluice.Topologies;

namespace Sluice.Tests.Graphs;

/// <summary>Random graphs, whose nodes end at once, end later or fail, are compared with a sequential walk.</summary>
public class RandomGraphResolveTests
{
    private static readonly int Seeds = Repetitions.Of(100, all: 400);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task EveryNodeStartsTheMomentItsLastParentHasEnded()
    {
        for (int seed = 0; seed < Seeds; seed++)
        {
            var graph = new RandomGraph(seed);
            GraphContext<int> context = await graph.ResolveAsync();
            for (int node = 0; node < graph.Count; node++)
            {
                NodeOutcome outcome = context.Outcome(graph.Nodes[node]);
                Assert.True(graph.Expected[node].Equals((outcome.Status, outcome.Value, outcome.Started,
                    outcome.Started + outcome.Elapsed)),
                        $"seed {seed}, node {node}: {outcome} instead of {graph.Expected[node]}\n{context}");
            }
            Assert.Equal(graph.Expected.Max(node => node.Ended), context.Elapsed);
            IReadOnlyList<TopologyNode> path = context.Topology.CriticalPath;
            Assert.Equal(context.Elapsed, path[^1].Time!.Value.Ended);
            Assert.All(path.Zip(path.Skip(1)), step => Assert.Equal(step.First.Time!.Value.Ended, step.Second.Time!.Value.Started));
        }
    }

    [Fact]
    public async Task ThousandsOfResolvesOfOneGraphDoNotMix()
    {
        GraphBuilder<int> builder = Graph.For<int>();
        GraphNode<int> root = builder.Add("root", async (n, _) =>
        {
            await Task.Yield();
            return n;
        });
        GraphNode<int>[] middle = [.. Enumerable.Range(0, 40).Select(i => builder.Add($"m{i}", root, async (n, _) =>
        {
            if (i % 3 != 0) await Task.Yield();
            return n + i;
        }))];
        GraphNode<long> sum = builder.Add("sum", middle, (context, _) => new ValueTask<long>(middle.Sum(node => (long)context.Get(node))));
        Graph<int> graph = builder.Build();
        GraphContext<int>[] contexts = await Task.WhenAll(Enumerable.Range(0, 5_000)
            .Select(n => Task.Run(async () => await graph.ResolveAsync(n, Cancellation), Cancellation)));
        Assert.All(contexts, (context, n) => Assert.Equal((n, (40L * n) + 780), (context.Request, context.Get(sum))));
    }

    /// <summary>A graph whose nodes take whole seconds of virtual time; some are optional and fail, some need all of their
    /// parents.</summary>
    private sealed class RandomGraph
    {
        private readonly TestClock clock = new();
        private readonly Graph<int> graph;

        public RandomGraph(int seed)
        {
            var random = new Random(seed);
            Count = random.Next(1, 60);
            Nodes = new GraphNode<string>[Count];
            Expected = new (NodeStatus, object?, TimeSpan, TimeSpan Ended)[Count];
            GraphBuilder<int> builder = Graph.For<int>();
            for (int node = 0; node < Count; node++)
            {
                int[] parents = [.. Enumerable.Range(0, node).Where(_ => random.Next(node) < 3).Take(5)];
                int seconds = random.Next(3);
                bool fails = random.Next(8) == 0, needs = parents.Length > 0 && random.Next(6) == 0;
                Nodes[node] = Add(builder, node, parents, TimeSpan.FromSeconds(seconds), fails);
                if (fails || random.Next(3) == 0) Nodes[node].Optional();
                if (needs) Nodes[node].Needs();
                Expected[node] = Expect(node, parents, TimeSpan.FromSeconds(seconds), fails, needs);
            }
            graph = builder.Build(new() { Time = clock, RecordTimings = true });
        }

        public int Count { get; }

        public GraphNode<string>[] Nodes { get; }

        public (NodeStatus Status, object? Value, TimeSpan Started, TimeSpan Ended)[] Expected { get; }

        public async Task<GraphContext<int>> ResolveAsync()
        {
            Task<GraphContext<int>> resolving = graph.ResolveAsync(0, Cancellation).AsTask();
            // Continuations of a timer run inside SetUtcNow: when it returns, no work is pending.
            while (!resolving.IsCompleted) clock.SetUtcNow(clock.NextDue
                ?? throw new InvalidOperationException("Nothing is due, and the resolve has not ended."));
            return await resolving;
        }

        private GraphNode<string> Add(GraphBuilder<int> builder, int node, int[] parents, TimeSpan takes, bool fails)
        {
            GraphNode<string>[] before = [.. parents.Select(parent => Nodes[parent])];
            return parents.Length switch
            {
                0 => builder.Add($"n{node}", async (_, cancellation) => await EndAsync([], cancellation)),
                1 => builder.Add($"n{node}", before[0], async (one, cancellation) => await EndAsync([one], cancellation)),
                2 => builder.Add($"n{node}", before[0], before[1],
                    async (one, two, cancellation) => await EndAsync([one, two], cancellation)),
                _ => builder.Add($"n{node}", before, async (context, cancellation) =>
                    await EndAsync([.. before.Select(parent => context.Get(parent))], cancellation)),
            };

            async ValueTask<string> EndAsync(string?[] values, CancellationToken cancellation)
            {
                if (takes > TimeSpan.Zero) await Task.Delay(takes, clock, cancellation);
                return fails ? throw new FormatException("no good") : Join(node, values);
            }
        }

        private (NodeStatus, object?, TimeSpan, TimeSpan) Expect(int node, int[] parents, TimeSpan takes, bool fails, bool needs)
        {
            TimeSpan start = parents.Select(parent => Expected[parent].Ended).DefaultIfEmpty().Max();
            if (needs && parents.Any(parent => Expected[parent].Value is null)) return (NodeStatus.Skipped, null, start, start);
            return fails ? (NodeStatus.Failed, null, start, start + takes)
                : (NodeStatus.Succeeded, Join(node, parents.Select(parent => (string?)Expected[parent].Value)), start, start + takes);
        }

        private static string Join(int node, IEnumerable<string?> values)
            => $"{node}({string.Join(' ', values.Select(value => value is null ? "-" : value.Length > 40 ? $"{value.Length}:{value[..30]}" : value))})";
    }
}
