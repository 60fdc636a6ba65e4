using Sluice.Graphs;
using Sluice.Testing;

namespace Sluice.Tests.Graphs;

public class GraphTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task EveryNodeRunsOnceWithTheResultsOfItsParents()
    {
        GraphBuilder<int> builder = Graph.For<int>("page");
        GraphNode<Product> product = builder.Add("product", (id, _) => Task.FromResult(new Product($"sku-{id}", "Kettle")));
        GraphNode<decimal> price = builder.Add("price", product, async (p, cancellation) =>
        {
            await Task.Yield();
            return p.Sku == "sku-7" ? 9.5m : 0;
        });
        GraphNode<int> stock = builder.Add("stock", product, p => p.Title.Length);
        GraphNode<string> badge = builder.Add("badge", price, stock,
            (amount, count) => $"{amount.ToString(System.Globalization.CultureInfo.InvariantCulture)} x {count}");
        Graph<int> graph = builder.Build();

        GraphContext<int> context = await graph.ResolveAsync(7, Cancellation);

        Assert.Equal(7, context.Request);
        Assert.Equal("9.5 x 6", context.Get(badge));
        Assert.Equal(("sku-7", 9.5m, 6), (context.Get(product)!.Sku, context.Get(price), context["stock"]));
        Assert.Equal(["badge"], context.Leaves.Keys);
        Assert.Equal(["product", "price", "stock", "badge"], context.Outcomes.Select(outcome => outcome.Node));
        Assert.All(context.Outcomes, outcome => Assert.Equal((NodeStatus.Succeeded, 1), (outcome.Status, outcome.Attempts)));
        Assert.Equal("Kettle", context.Merged["title"]);
        Assert.Equal(new Page("Kettle", 9.5m, 6, "none"), context.Merge<Page>());
    }

    [Fact]
    public async Task NodesThatAreReadyRunAtTheSameTime()
    {
        GraphBuilder<int> builder = Graph.For<int>();
        var go = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        int running = 0;
        GraphNode<int>[] nodes = [.. Enumerable.Range(0, 5).Select(n => builder.Add($"n{n}", async (_, _) =>
        {
            if (Interlocked.Increment(ref running) == 5) go.SetResult();
            await go.Task;
            return n;
        }))];
        GraphNode<int> sum = builder.Add("sum", nodes, (context, _) => new ValueTask<int>(nodes.Sum(context.Get)));
        Assert.Equal(10, (await builder.Build().ResolveAsync(0, Cancellation)).Get(sum));
    }

    [Fact]
    public async Task AFailureStopsTheOtherNodesAndNamesItsOwn()
    {
        GraphBuilder<int> builder = Graph.For<int>();
        var stopped = new TaskCompletionSource();
        builder.Add("slow", async (_, cancellation) =>
        {
            await using CancellationTokenRegistration registration = cancellation.Register(stopped.SetResult);
            await stopped.Task;
            cancellation.ThrowIfCancellationRequested();
            return 1;
        });
        GraphNode<int> bad = builder.Add<int>("bad", (Func<int, int>)(_ => throw new FormatException("no good")));
        bool hasRun = false;
        builder.Add("child", bad, n => hasRun = true);
        var failure = await Assert.ThrowsAsync<NodeFailedException>(async () => await builder.Build().ResolveAsync(0, Cancellation));
        Assert.Equal(("bad", "The node bad failed: no good"), (failure.Node, failure.Message));
        Assert.IsType<FormatException>(failure.InnerException);
        Assert.True(stopped.Task.IsCompleted);
        Assert.False(hasRun);
    }

    [Fact]
    public async Task AFunctionThatIgnoresItsTokenIsNamedAfterTheStopTimeout()
    {
        var clock = new TestClock();
        GraphBuilder<int> builder = Graph.For<int>();
        var never = new TaskCompletionSource<int>();
        builder.Add("deaf", (_, _) => never.Task);
        builder.Add<int>("bad", (Func<int, int>)(_ => throw new FormatException("no good")));
        Task<GraphContext<int>> resolving = builder.Build(new() { Time = clock, StopTimeout = TimeSpan.FromSeconds(3) })
            .ResolveAsync(0, Cancellation).AsTask();
        clock.Advance(TimeSpan.FromSeconds(2.9));
        Assert.False(resolving.IsCompleted);
        clock.Advance(TimeSpan.FromSeconds(0.1));
        var failure = await Assert.ThrowsAsync<NodeFailedException>(() => resolving);
        Assert.Equal(["deaf"], failure.StillRunning);
        Assert.Contains("Still running, as they do not heed their token: deaf.", failure.Message, StringComparison.Ordinal);
        never.SetResult(1);
    }

    [Fact]
    public async Task AFailedOptionalNodeSkipsOnlyTheChildrenThatNeedIt()
    {
        GraphBuilder<int> builder = Graph.For<int>();
        GraphNode<string> reviews = builder.Add<string>("reviews", (Func<int, string>)(_ => throw new TimeoutException("too slow")))
            .Optional();
        GraphNode<string> badge = builder.Add("badge", reviews, text => text ?? "none");
        GraphNode<string> stars = builder.Add("stars", reviews, text => text + "!").Needs();
        GraphNode<string> more = builder.Add("more", stars, text => text ?? "nothing");
        GraphContext<int> context = await builder.Build().ResolveAsync(0, Cancellation);
        Assert.Equal(("none", null, "nothing"), (context.Get(badge), context.Get(stars), context.Get(more)));
        Assert.Equal((NodeStatus.Failed, NodeStatus.Skipped), (context.Outcome(reviews).Status, context.Outcome(stars).Status));
        Assert.Equal("stars: skipped, as reviews produced nothing", context.Outcome(stars).ToString());
        Assert.Equal("reviews: failed after 1 attempt: TimeoutException: too slow", context.Outcome(reviews).ToString());
        Assert.Null(context.Get(reviews));
    }

    [Fact]
    public async Task RetriesTimeoutsFallbacksAndBackoffWork()
    {
        var clock = new TestClock();
        GraphBuilder<int> builder = Graph.For<int>();
        int starts = 0;
        GraphNode<int> retried = builder.Add("retried", async (_, cancellation) =>
        {
            if (++starts < 3) await Task.Delay(TimeSpan.FromHours(1), clock, cancellation);
            return starts;
        }).Timeout(TimeSpan.FromSeconds(1)).Retry(2, Backoff.Constant(TimeSpan.FromSeconds(5)));
        GraphNode<int> fallen = builder.Add<int>("fallen", (Func<int, int>)(_ => throw new FormatException("no good"))).Retry(1)
            .Fallback(e => e.Message.Length);
        Task<GraphContext<int>> resolving = builder.Build(new() { Time = clock, RecordTimings = true }).ResolveAsync(0, Cancellation)
            .AsTask();
        foreach (double seconds in new[] { 1.0, 5, 1, 5 })
        {
            Assert.False(resolving.IsCompleted);
            await clock.WaitForTimersAsync(1, Cancellation);
            clock.Advance(TimeSpan.FromSeconds(seconds));
        }
        GraphContext<int> context = await resolving;
        Assert.Equal((3, 7), (context.Get(retried), context.Get(fallen)));
        Assert.Equal((NodeStatus.Succeeded, 3, TimeSpan.FromSeconds(12)),
            (context.Outcome(retried).Status, context.Outcome(retried).Attempts, context.Outcome(retried).Elapsed));
        Assert.Equal("fallen: fell back after 2 attempts: FormatException: no good", context.Outcome(fallen).ToString());
    }

    [Fact]
    public async Task TheCallersTokenStopsTheWholeResolve()
    {
        GraphBuilder<int> builder = Graph.For<int>();
        bool childRan = false;
        GraphNode<int> waits = builder.Add("waits", async (_, cancellation) =>
        {
            await Task.Delay(Timeout.Infinite, cancellation);
            return 1;
        }).Optional();
        builder.Add("child", waits, _ => childRan = true);
        using var source = new CancellationTokenSource();
        Task<GraphContext<int>> resolving = builder.Build().ResolveAsync(0, source.Token).AsTask();
        await source.CancelAsync();
        var cancelled = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => resolving);
        Assert.Equal(source.Token, cancelled.CancellationToken);
        Assert.False(childRan);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await builder.Build()
            .ResolveAsync(0, new CancellationToken(canceled: true)));
    }

    [Fact]
    public async Task ALimitHoldsOverAllResolves()
    {
        GraphBuilder<int> builder = Graph.For<int>();
        int running = 0, most = 0;
        GraphNode<int> narrow = builder.Add("narrow", async (n, _) =>
        {
            int now = Interlocked.Increment(ref running);
            InterlockedMax(ref most, now);
            await Task.Yield();
            Interlocked.Decrement(ref running);
            return n;
        }).Limit(3);
        Graph<int> graph = builder.Build();
        GraphContext<int>[] all = await Task.WhenAll(Enumerable.Range(0, 200)
            .Select(n => Task.Run(async () => await graph.ResolveAsync(n))));
        Assert.Equal(Enumerable.Range(0, 200), all.Select(context => context.Get(narrow)));
        Assert.InRange(most, 1, 3);

        static void InterlockedMax(ref int known, int value)
        {
            for (int seen = known; value > seen;)
            {
                int found = Interlocked.CompareExchange(ref known, value, seen);
                if (found == seen) return;
                seen = found;
            }
        }
    }

    [Fact]
    public async Task NodesRunInTheExecutionContextOfTheCaller()
    {
        var local = new AsyncLocal<string>();
        GraphBuilder<int> builder = Graph.For<int>();
        var other = new TaskCompletionSource<int>(TaskCreationOptions.None);
        GraphNode<int> first = builder.Add("first", (_, _) => other.Task);
        GraphNode<string> second = builder.Add("second", first, _ => local.Value ?? "none");
        local.Value = "caller";
        Task<GraphContext<int>> resolving = builder.Build().ResolveAsync(0, Cancellation).AsTask();
        var thread = new Thread(() =>
        {
            local.Value = "other";
            other.SetResult(1);
        });
        thread.UnsafeStart();
        thread.Join(); // before any await: code after an await may run on that thread, which would then join itself
        Assert.Equal("caller", (await resolving).Get(second));
    }

    /// <remarks>Regression: the caller and the nodes behind a wait went on with what it had changed, unless spans were recorded.</remarks>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task ANodeDoesNotChangeTheExecutionContextOfTheCaller(bool suspends)
    {
        var local = new AsyncLocal<string> { Value = "caller" };
        GraphBuilder<int> builder = Graph.For<int>();
        var ended = new TaskCompletionSource<int>();
        builder.Add("root", _ => local.Value = "root");
        GraphNode<int> wait = builder.Add("wait", (_, _) => suspends ? ended.Task : Task.FromResult(1));
        GraphNode<string> child = builder.Add("child", wait, _ => local.Value!);
        Task<GraphContext<int>> resolving = builder.Build().ResolveAsync(0, Cancellation).AsTask();
        Assert.Equal("caller", local.Value);
        ended.SetResult(1);
        GraphContext<int> result = await resolving;
        Assert.Equal((suspends ? "caller" : "root", "caller"), (result.Get(child), local.Value));
    }

    /// <remarks>Regression: code that ended a task of its own resolve went on with the change of a node.</remarks>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task ANodeDoesNotChangeTheExecutionContextOfTheCodeThatEndsItsParent(bool isFlowSuppressed)
    {
        var local = new AsyncLocal<string> { Value = "caller" };
        GraphBuilder<int> builder = Graph.For<int>();
        var ended = new TaskCompletionSource<int>();
        GraphNode<int> wait = builder.Add("wait", _ => ended.Task);
        GraphNode<string> child = builder.Add("child", wait, _ => local.Value = "child");
        Graph<int> graph = builder.Build();
        AsyncFlowControl? flow = isFlowSuppressed ? ExecutionContext.SuppressFlow() : null;
        Task<GraphContext<int>> resolving = graph.ResolveAsync(0, Cancellation).AsTask();
        flow?.Undo();
        ended.SetResult(1);
        Assert.Equal("caller", local.Value);
        Assert.Equal("child", (await resolving).Get(child));
    }

    [Fact]
    public async Task AResultDoesNotKeepTheExecutionContextOfTheCaller()
    {
        var local = new AsyncLocal<object?>();
        GraphBuilder<int> builder = Graph.For<int>();
        builder.Add("wait", static async (_, _) =>
        {
            await Task.Yield();
            return 1;
        });
        Graph<int> graph = builder.Build();
        var (result, request) = await ResolveAsync();
        await Garbage.CollectAsync(request);
        GC.KeepAlive(result);

        async Task<(GraphContext<int>, WeakReference)> ResolveAsync()
        {
            var request = new object();
            local.Value = request;
            return (await graph.ResolveAsync(0, Cancellation), new(request));
        }
    }

    private sealed record Product(string Sku, string Title);

    private sealed record Page(string Title, decimal Price, int Stock, string? Badge2 = "none");
}
