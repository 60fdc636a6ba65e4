using Sluice.Graphs;
using Sluice.Testing;

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
    public async Task AContextThatAWatcherGotIsNotUsedAgain()
    {
        (Graph<int> graph, GraphNode<int> node, Queue<TaskCompletionSource> gates) = Waiting();
        List<GraphContext<int>> kept = [];
        await RunAsync(1);
        ValueTask<int> begun = graph.ResolveAsync(2, node, Cancellation);       // before it is watched
        IDisposable watch = graph.Watch((context, _) => kept.Add((GraphContext<int>)context));
        gates.Dequeue().SetResult();
        Assert.Equal(2, await begun);
        await RunAsync(3);
        watch.Dispose();
        await RunAsync(4);
        await RunAsync(5);
        Assert.Equal([2, 3], kept.Select(context => context.Request));
        Assert.Equal([2, 3], kept.Select(context => context.Get(node)));

        async Task RunAsync(int request)
        {
            ValueTask<int> running = graph.ResolveAsync(request, node, Cancellation);
            gates.Dequeue().SetResult();
            Assert.Equal(request, await running);
        }
    }

    [Fact]
    public async Task AResultThatIsAwaitedTwiceIsRefusedAndHarmsNoOther()
    {
        (Graph<int> graph, GraphNode<int> node, Queue<TaskCompletionSource> gates) = Waiting();
        ValueTask<int> first = graph.ResolveAsync(1, node, Cancellation);
        gates.Dequeue().SetResult();
        Assert.Equal(1, await first);
        ValueTask<int> second = graph.ResolveAsync(2, node, Cancellation);
        await Assert.ThrowsAsync<InvalidOperationException>(async () => await first);
        gates.Dequeue().SetResult();
        Assert.Equal(2, await second);
    }

    [Fact]
    public async Task AFunctionThatIsLeftBehindEndsInNoLaterResolve()
    {
        var clock = new TestClock();
        var late = new TaskCompletionSource<int>();
        GraphBuilder<int> builder = Graph.For<int>();
        GraphNode<int> slow = builder.Add("slow", request => request == 0 ? late.Task : Task.FromResult(request));
        builder.Add("fails", request => request == 0 ? throw new FormatException("no good") : request);
        GraphNode<int> last = builder.Add("last", slow, value => value * 10);
        Graph<int> graph = builder.Build(new() { Time = clock });
        Task<int> failing = graph.ResolveAsync(0, last, Cancellation).AsTask();
        clock.Advance(graph.Options.StopTimeout);
        await Assert.ThrowsAsync<NodeFailedException>(() => failing);
        ValueTask<int> next = graph.ResolveAsync(7, last, Cancellation);
        late.SetResult(3);
        Assert.Equal(70, await next);
        Assert.Equal(80, await graph.ResolveAsync(8, last, Cancellation));
    }

    [Fact]
    public async Task AContextIsNotUsedAgainBeforeTheLastCallbackOfItsResolveHasRun()
    {
        TaskCompletionSource<int> early = new(), late = new();
        GraphBuilder<int> builder = Graph.For<int>();
        GraphNode<int> one = builder.Add("one", _ => early.Task), two = builder.Add("two", _ => late.Task);
        GraphNode<int> sum = builder.Add("sum", one, two, (a, b) => a + b);
        Graph<int> graph = builder.Build();
        bool? isOver = null;
        Task<int>? resolving = null;
        // It runs between the end of the task and the callback of the graph. The callback of the other node claims both.
        Task between = early.Task.ContinueWith(_ =>
        {
            late.SetResult(2);
            isOver = resolving!.IsCompleted;
        }, Cancellation, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        resolving = graph.ResolveAsync(0, sum, Cancellation).AsTask();
        early.SetResult(1);
        await between;
        Assert.False(isOver);
        Assert.Equal(3, await resolving);
    }

    [Fact]
    public void AResolveAllocatesNothingAndKeepsNothingOfTheOneBefore()
    {
        GraphBuilder<object> builder = Graph.For<object>();
        GraphNode<string> text = builder.Add("text", _ => "text");
        GraphNode<int> length = builder.Add("length", builder.Request, text, (_, value) => value.Length);
        Graph<object> graph = builder.Build();
        WeakReference former = Resolve(graph, length);
        GC.Collect();
        Assert.False(former.IsAlive);
        object request = new();
        long least = long.MaxValue;
        for (int round = 0; round < 20; round++)     // a collection in a round frees the contexts
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            int sum = 0;
            for (int i = 0; i < 100; i++) sum += graph.ResolveAsync(request, length).Result;
            least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - before);
            Assert.Equal(400, sum);
        }
        Assert.Equal(0, least);

        static WeakReference Resolve(Graph<object> graph, GraphNode<int> length)
        {
            object request = new();
            Assert.Equal(4, graph.ResolveAsync(request, length, Cancellation).Result);
            return new(request);
        }
    }

    /// <summary>A graph whose only node waits for the next gate, and returns the request.</summary>
    private static (Graph<int>, GraphNode<int>, Queue<TaskCompletionSource>) Waiting()
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
        private readonly List<Func<int, long>> expected = [];
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
                    (request, a, b, _) => EndAsync(request, a - b + factor, yields, isFailing)));
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
