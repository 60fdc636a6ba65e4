using Sluice.Graphs;
using Sluice.Testing;

namespace Sluice.Tests.Graphs;

/// <summary>Contexts of resolves for one value are used again, when nothing can know them any more.</summary>
public class ReusedContextTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task AContextThatAWatcherGotIsNotUsedAgain()
    {
        (Graph<int> graph, GraphNode<int> node, Queue<TaskCompletionSource> gates) = GraphValueTests.Waiting();
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
    public async Task AResultThatIsTakenTwiceSaysSo()
    {
        (Graph<int> graph, GraphNode<int> node, Queue<TaskCompletionSource> gates) = GraphValueTests.Waiting();
        ValueTask<int> running = graph.ResolveAsync(1, node, Cancellation);
        gates.Dequeue().SetResult();
        Assert.Equal(1, await running);
#pragma warning disable CA2012 // the mistake that it is about
        var twice = await Assert.ThrowsAsync<InvalidOperationException>(async () => await running);
#pragma warning restore CA2012
        Assert.Equal("The result was taken already: await it once.", twice.Message);
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
    public async Task AResolveThatDoesNotWaitAllocatesNothing()
    {
        GraphBuilder<object> builder = Graph.For<object>();
        GraphNode<string> text = builder.Add("text", _ => "text");
        GraphNode<int> length = builder.Add("length", builder.Request, text, (_, value) => value.Length);
        Graph<object> graph = builder.Build();
        object request = new();
        long least = long.MaxValue;
        for (int round = 0; round < 20; round++)     // a collection in a round frees the contexts
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            int sum = 0;
            for (int i = 0; i < 100; i++) sum += await graph.ResolveAsync(request, length);
            least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - before);
            Assert.Equal(400, sum);
        }
        Assert.Equal(0, least);
    }

    [Fact]
    public async Task NothingOfAResolveIsKept()
    {
        TaskCompletionSource gate = new(), hold = new();
        GraphBuilder<object> builder = Graph.For<object>();
        GraphNode<object[]> node = builder.Add("node", async (request, _) =>
        {
            await (request is string ? hold.Task : gate.Task).ConfigureAwait(false);
            return new object[1];
        });
        Graph<object> graph = builder.Build();
        ValueTask<object[]?> holds = graph.ResolveAsync("it keeps the contexts, whose graph refers to them weakly", node, Cancellation);
        List<Task> ending = [];
        WeakReference[] waits = [.. Enumerable.Range(0, 3).SelectMany(_ => Begin())];
        gate.SetResult();
        WeakReference[] doesNot = Begin();
        await Task.WhenAll(ending);
        ending.Clear();
        WeakReference[] all = [.. waits, .. doesNot];
        await Garbage.CollectAsync(all);
        hold.SetResult();
        Assert.Single((await holds)!);

        WeakReference[] Begin()
        {
            object request = new();
            var caller = new CancellationTokenSource();
            ending.Add(graph.ResolveAsync(request, node, caller.Token).AsTask());
            return [new(request), new(caller)];
        }
    }

    [Fact]
    public async Task ATokenOfAnEarlierResolveIsNotCancelledWithALaterOne()
    {
        List<(CancellationToken Token, TaskCompletionSource Gate)> calls = [];
        GraphBuilder<int> builder = Graph.For<int>();
        GraphNode<int> node = builder.Add("node", async (request, cancellation) =>
        {
            var gate = new TaskCompletionSource();
            calls.Add((cancellation, gate));
            await gate.Task.WaitAsync(cancellation);
            return request;
        });
        Graph<int> graph = builder.Build();
        using var stop = new CancellationTokenSource();
        for (int request = 0; request < 3; request++)
        {
            Task<int> resolving = graph.ResolveAsync(request, node, stop.Token).AsTask();
            if (request < 2) calls[request].Gate.SetResult();
            else await stop.CancelAsync();
            if (request < 2) Assert.Equal(request, await resolving);
            else await Assert.ThrowsAnyAsync<OperationCanceledException>(() => resolving);
        }
        Assert.Equal([false, false, true], calls.Select(call => call.Token.IsCancellationRequested));
    }

    [Fact]
    public async Task ANodeMayResolveItsOwnGraphAndACopyHasContextsOfItsOwn()
    {
        Graph<int>? graph = null;
        GraphNode<int>? last = null;
        GraphBuilder<int> builder = Graph.For<int>();
        GraphNode<int> before = builder.Add("before", async request =>
        {
            if (request % 2 == 0) await Task.Yield();
            return request == 0 ? 0 : await graph!.ResolveAsync(request - 1, last!);
        });
        last = builder.Add("last", before, value => value + 1);
        graph = builder.Build();
        Graph<int> copy = graph.With(changed => changed.Add("before", request => Task.FromResult(request * 100)));
        int[] values = await Task.WhenAll(Enumerable.Range(0, 200).Select(i => Task.Run(async ()
            => await (i % 2 == 0 ? graph : copy).ResolveAsync(i % 7, last))));
        Assert.Equal(Enumerable.Range(0, 200).Select(i => i % 2 == 0 ? (i % 7) + 1 : (i % 7 * 100) + 1), values);
    }

    [Fact]
    public async Task TwoNodesMayReturnOneTask()
    {
        var shared = new TaskCompletionSource<int>();
        GraphBuilder<int> builder = Graph.For<int>();
        GraphNode<int> one = builder.Add("one", _ => shared.Task), two = builder.Add("two", _ => shared.Task);
        GraphNode<int> sum = builder.Add("sum", one, two, (a, b) => a + b);
        ValueTask<int> resolving = builder.Build().ResolveAsync(0, sum, Cancellation);
        shared.SetResult(4);
        Assert.Equal(8, await resolving);
    }
}
