using Sluice.Graphs;

namespace Sluice.Tests.Graphs;

/// <summary>Resolves for the value of one node, whose contexts other resolves use again.</summary>
public class GraphValueTests
{
    private const int Requests = 1_000;
    private static readonly int Seeds = Repetitions.Of(10, all: 200);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task TheValueIsThatOfTheContextAlsoOfNodesThatProducedNothing()
    {
        GraphBuilder<string> builder = Graph.For<string>();
        GraphNode<int> length = builder.Add("length", request => request.Length);
        GraphNode<string> twice = builder.Add("twice", builder.Request, length, (request, n) => $"{request} {n}");
        GraphNode<string> broken = builder.Add("broken", twice, string (_) => throw new FormatException("no good")).Optional();
        GraphNode<int> skipped = builder.Add("skipped", broken, _ => 1).Needs(broken);
        GraphNode<string> fallen = builder.Add("fallen", string (_) => throw new FormatException("no good")).Fallback("instead");
        Graph<string> graph = builder.Build();
        for (int again = 0; again < 3; again++)
        {
            Assert.Equal("abc 3", await graph.ResolveAsync("abc", twice, Cancellation));
            Assert.Null(await graph.ResolveAsync("abc", broken, Cancellation));
            Assert.Equal(0, await graph.ResolveAsync("abc", skipped, Cancellation));
            Assert.Equal("instead", await graph.ResolveAsync("abc", fallen, Cancellation));
        }
    }

    [Fact]
    public async Task ANodeOfAnotherGraphIsRefusedBeforeAnythingRuns()
    {
        int calls = 0;
        GraphBuilder<int> builder = Graph.For<int>("ours");
        builder.Add("own", _ => calls++);
        Graph<int> graph = builder.Build();
        GraphBuilder<int> others = Graph.For<int>("theirs");
        GraphNode<int> stranger = others.Add("stranger", _ => 1), namesake = others.Add("own", _ => 1);
        others.Build();
        Assert.Equal("The node stranger is of the graph 'theirs', and this is the graph 'ours', which has no node of that name.",
            (await Assert.ThrowsAsync<KeyNotFoundException>(async () => await graph.ResolveAsync(1, stranger, Cancellation))).Message);
        Assert.StartsWith("The node own is of the graph 'theirs', and this is the graph 'ours', which has a node of that name, too.",
            (await Assert.ThrowsAsync<ArgumentException>(async () => await graph.ResolveAsync(1, namesake, Cancellation))).Message,
            StringComparison.Ordinal);
        await Assert.ThrowsAsync<ArgumentNullException>(async () => await graph.ResolveAsync(1, (GraphNode<int>)null!, Cancellation));
        Assert.Equal(0, calls);
    }

    [Fact]
    public async Task ResolvesThatRunFailAndAreCancelledAtOnceDoNotMix()
    {
        for (int seed = 0; seed < Seeds; seed++)
        {
            var graph = new RandomGraph(seed);
            await Task.WhenAll(Enumerable.Range(0, Requests).Select(request => Task.Run(() => graph.CheckAsync(request), Cancellation)));
        }
    }

    [Fact]
    public async Task AResultThatIsAskedForTooEarlyOrTwiceIsRefusedAndHarmsNoOther()
    {
        (Graph<int> graph, GraphNode<int> node, Queue<TaskCompletionSource> gates) = Waiting();
        ValueTask<int> first = graph.ResolveAsync(1, node, Cancellation);
        gates.Dequeue().SetResult();
        Assert.Equal(1, await first);
        ValueTask<int> second = graph.ResolveAsync(2, node, Cancellation);
        await Assert.ThrowsAsync<InvalidOperationException>(async () => await first);
        Assert.Contains("has not ended: await it", Assert.Throws<InvalidOperationException>(() => second.Result).Message,
            StringComparison.Ordinal);
        gates.Dequeue().SetResult();
        Assert.Equal(2, await second);
    }

    [Fact]
    public async Task GraphsWhoseContextsCannotBeUsedAgainGiveTheSameValue()
    {
        Action<GraphNode<int>>[] options = [node => node.Limit(1), node => node.Timeout(TimeSpan.FromHours(1)), node => node.Retry(1)];
        foreach (Action<GraphNode<int>> option in options)
            await CheckAsync(builder =>
            {
                GraphNode<int> node = builder.Add("node", request => request + 1);
                option(node);
                return node;
            });
        await CheckAsync(builder => builder.Add("context", [], context => context.Request + 1));
        await CheckAsync(builder => Enumerable.Range(0, 17).Select(i => builder.Add($"n{i}", request => request + 1)).Last());
        await CheckAsync(builder => builder.Add("timed", request => request + 1), new() { RecordTimings = true });

        static async Task CheckAsync(Func<GraphBuilder<int>, GraphNode<int>> make, GraphOptions? given = null)
        {
            GraphBuilder<int> builder = Graph.For<int>();
            GraphNode<int> node = make(builder);
            Graph<int> graph = builder.Build(given);
            for (int request = 0; request < 3; request++) Assert.Equal(request + 1, await graph.ResolveAsync(request, node, Cancellation));
        }
    }

    /// <summary>A graph whose only node waits for the next gate, and returns the request.</summary>
    internal static (Graph<int>, GraphNode<int>, Queue<TaskCompletionSource>) Waiting()
    {
        Queue<TaskCompletionSource> gates = [];
        GraphBuilder<int> builder = Graph.For<int>();
        GraphNode<int> node = builder.Add("waits", async request =>
        {
            var gate = new TaskCompletionSource();
            gates.Enqueue(gate);
            await gate.Task;
            return request;
        });
        return (builder.Build(), node, gates);
    }

    /// <summary>Up to 16 nodes that end at once or after a yield; for some requests one of them fails, or the caller cancels.</summary>
    private sealed class RandomGraph
    {
        private static readonly AsyncLocal<int> Caller = new();

        private readonly Graph<int> graph;
        private readonly List<GraphNode<long>> nodes = [];
        private readonly int failing;

        public RandomGraph(int seed)
        {
            var random = new Random(seed);
            int count = random.Next(1, 17);
            failing = random.Next(count);
            GraphBuilder<int> builder = Graph.For<int>();
            for (int node = 0; node < count; node++)
            {
                bool yields = random.Next(2) == 0, isFailing = node == failing;
                int factor = random.Next(1, 100), one = random.Next(Math.Max(1, node)), two = random.Next(Math.Max(1, node));
                nodes.Add(node == 0 || random.Next(8) == 0
                    ? builder.Add($"n{node}", request => EndAsync(request, factor * (long)request, yields, isFailing))
                    : random.Next(2) == 0 ? builder.Add($"n{node}", builder.Request, nodes[one],
                    (request, a) => EndAsync(request, a + factor, yields, isFailing))
                    : builder.Add($"n{node}", builder.Request, nodes[one], nodes[two],
                    (request, a, b, cancellation) => cancellation.CanBeCanceled ? EndAsync(request, a - b + factor, yields, isFailing)
                        : throw new FormatException("no token")));
            }
            graph = builder.Build();
        }

        public async Task CheckAsync(int request)
        {
            Caller.Value = request;
            var random = new Random(request);
            GraphNode<long> node = nodes[random.Next(nodes.Count)];
            bool isCancelled = random.Next(10) == 0;
            using var cancel = new CancellationTokenSource();
            ValueTask<long> resolving = graph.ResolveAsync(request, node, random.Next(3) == 0 || isCancelled ? cancel.Token : default);
            if (isCancelled) await cancel.CancelAsync();
            try
            {
                long value = await resolving;
                Assert.False(Fails(request));
                Assert.Equal((await graph.ResolveAsync(request, Cancellation)).Get(node), value);
            }
            catch (NodeFailedException e)
            {
                Assert.True(Fails(request));
                Assert.Equal(($"n{failing}", $"of {request}"), (e.Node, e.InnerException!.Message));
            }
            catch (OperationCanceledException) when (isCancelled)
            {
            }
        }

        private static bool Fails(int request) => request % 11 == 5;

        private static async ValueTask<long> EndAsync(int request, long value, bool yields, bool isFailing)
        {
            Assert.Equal(request, Caller.Value);
            if (yields) await Task.Yield();
            Assert.Equal(request, Caller.Value);
            return isFailing && Fails(request) ? throw new FormatException($"of {request}") : value;
        }
    }
}
