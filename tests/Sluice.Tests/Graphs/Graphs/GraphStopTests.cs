using Sluice.Graphs;
using Sluice.Testing;

namespace Sluice.Tests.Graphs;

/// <summary>How resolves are stopped: by a failure, by the caller, by the clock.</summary>
public class GraphStopTests
{
    private readonly TestClock clock = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task TimesOutOfRangeAreRefusedWhereTheyAreGiven()
    {
        TimeSpan tooLong = TimeSpan.FromDays(50);
        Assert.Equal("StopTimeout", Assert.Throws<ArgumentOutOfRangeException>(() => new GraphOptions { StopTimeout = tooLong }).ParamName);
        Assert.Equal("StopTimeout", Assert.Throws<ArgumentOutOfRangeException>(() => new DataFlowOptions { StopTimeout = tooLong })
            .ParamName);
        Assert.Equal("StopTimeout", Assert.Throws<ArgumentOutOfRangeException>(() =>
            new GraphOptions { StopTimeout = TimeSpan.FromSeconds(-2) }).ParamName);
        Assert.Equal("wait", Assert.Throws<ArgumentOutOfRangeException>(() => Backoff.Constant(tooLong)).ParamName);
        Assert.Equal("first", Assert.Throws<ArgumentOutOfRangeException>(() => Backoff.Exponential(tooLong)).ParamName);
        Assert.Equal("max", Assert.Throws<ArgumentOutOfRangeException>(() => Backoff.Exponential(TimeSpan.Zero, tooLong)).ParamName);
        GraphBuilder<int> builder = Graph.For<int>();
        GraphNode<int> deaf = builder.Add("deaf", async _ =>
        {
            await Task.Delay(Timeout.InfiniteTimeSpan, Cancellation);
            return 1;
        });
        Assert.Equal("limit", Assert.Throws<ArgumentOutOfRangeException>(() => deaf.Timeout(tooLong)).ParamName);
        Assert.Equal("limit", Assert.Throws<ArgumentOutOfRangeException>(() => deaf.Timeout(TimeSpan.Zero)).ParamName);

        // A stop timeout may be infinite.
        using var source = new CancellationTokenSource();
        Task<GraphContext<int>> resolving = builder.Build(new() { Time = clock, StopTimeout = Timeout.InfiniteTimeSpan })
            .ResolveAsync(0, source.Token).AsTask();
        await source.CancelAsync();
        clock.Advance(TimeSpan.FromDays(400));
        Assert.False(resolving.IsCompleted);
    }

    [Theory]
    [InlineData(false, 0)]
    [InlineData(true, 0)]
    [InlineData(true, 1)]
    public async Task AStoppingResolveWaitsForANodeWithATimeout(bool fails, int retries)
    {
        (Graph<int> graph, TaskCompletionSource told, TaskCompletionSource<int> end) = Slow(TimeSpan.FromSeconds(20), retries, fails);
        using var source = new CancellationTokenSource();
        Task<GraphContext<int>> resolving = graph.ResolveAsync(0, source.Token).AsTask();
        if (!fails) await source.CancelAsync();
        await told.Task.WaitAsync(Cancellation);
        Assert.False(resolving.IsCompleted);
        end.SetResult(1);
        if (fails) Assert.Equal("The node bad failed: no good", (await Assert.ThrowsAsync<NodeFailedException>(() => resolving)).Message);
        else await Assert.ThrowsAnyAsync<OperationCanceledException>(() => resolving);
        Assert.Equal(0, clock.ArmedTimers);
    }

    [Theory]
    [InlineData(20)]
    [InlineData(1)]
    public async Task AnErrorNamesANodeWithATimeoutThatIgnoresItsToken(int limitSeconds)
    {
        (Graph<int> graph, _, TaskCompletionSource<int> end) = Slow(TimeSpan.FromSeconds(limitSeconds), 1, fails: true);
        Task<GraphContext<int>> resolving = graph.ResolveAsync(0, Cancellation).AsTask();
        // The timeout abandons the node, if it ends before the stop timeout.
        clock.Advance(TimeSpan.FromSeconds(limitSeconds == 1 ? 1 : 5));
        Assert.Equal(["slow"], (await Assert.ThrowsAsync<NodeFailedException>(() => resolving)).StillRunning);
        end.SetResult(1);
    }

    [Fact]
    public async Task ACancelledResolveNamesTheNodesThatStillRun()
    {
        (Graph<int> graph, _, TaskCompletionSource<int> end) = Slow(null, 0, fails: false);
        using var source = new CancellationTokenSource();
        Task<GraphContext<int>> resolving = graph.ResolveAsync(0, source.Token).AsTask();
        await source.CancelAsync();
        clock.Advance(TimeSpan.FromSeconds(5));
        var cancelled = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => resolving);
        Assert.Equal("The resolve was cancelled. Still running, as they do not heed their token: slow.", cancelled.Message);
        Assert.Equal(source.Token, cancelled.CancellationToken);
        end.SetResult(1);
    }

    [Fact]
    public async Task AResultDoesNotChangeWhenAFunctionThatWasLeftBehindEnds()
    {
        GraphBuilder<int> builder = Graph.For<int>();
        var late = new TaskCompletionSource<int>();
        bool fellBack = false;
        GraphNode<int> slow = builder.Add("slow", _ => late.Task).Fallback(_ =>
        {
            fellBack = true;
            return 2;
        });
        builder.Add("bad", int (int _) => throw new FormatException("no good"));
        Graph<int> graph = builder.Build(new() { Time = clock });
        GraphContext? result = null;
        using IDisposable watch = graph.Watch((context, _) => result = context);
        Task<GraphContext<int>> resolving = graph.ResolveAsync(0, Cancellation).AsTask();
        clock.Advance(TimeSpan.FromSeconds(5));
        await Assert.ThrowsAsync<NodeFailedException>(() => resolving);
        late.SetException(new FormatException("late"));
        Assert.Equal((NodeStatus.Running, false), (result!.Outcome(slow).Status, fellBack));
    }

    [Theory]
    [InlineData(false, false, 0, 0)]
    [InlineData(false, false, 1, 0)]
    [InlineData(false, true, 0, 0)]
    [InlineData(true, false, 0, 0)]
    [InlineData(true, true, 0, 0)]
    [InlineData(false, false, 0, 1000)]
    public async Task AResultDoesNotChangeWhenSynchronousCodeThatWasLeftBehindEnds(bool inFallback, bool fails, int retries, int timed)
    {
        GraphBuilder<int> builder = Graph.For<int>();
        TaskCompletionSource<int> go = new(), fail = new();
        GraphContext? result = null;
        int left = 0;
        GraphNode<int> child = builder.Add("child", builder.Add("waits", _ => go.Task), int (n) => inFallback
            ? throw new FormatException("early") : Leave(n)).Retry(retries).Fallback(_ => Leave(2));
        builder.Add("bad", _ => fail.Task);
        Graph<int> graph = builder.Build(new() { Time = clock });
        using IDisposable watch = graph.Watch((context, _) => result = context, timed);
        Task<GraphContext<int>> resolving = graph.ResolveAsync(0, Cancellation).AsTask();
        go.SetResult(1);
        Assert.Equal(["child"], (await Assert.ThrowsAsync<NodeFailedException>(() => resolving)).StillRunning);
        Assert.Equal((NodeStatus.Running, 1), (result!.Outcome(child).Status, left));
        int Leave(int value)
        {
            left++;
            fail.SetException(new FormatException("no good"));
            clock.Advance(TimeSpan.FromSeconds(5));      // the stop timeout ends the resolve
            Assert.NotNull(result);
            return fails ? throw new FormatException("late") : value;
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task ACancellationReachesAFunctionBeforeItsFirstAwait(bool suspends)
    {
        GraphBuilder<int> builder = Graph.For<int>();
        using var source = new CancellationTokenSource();
        bool isTold = false;
        var never = new TaskCompletionSource<int>();
        builder.Add("computes", (_, cancellation) =>
        {
            source.Cancel();
            isTold = cancellation.IsCancellationRequested;
            return suspends ? never.Task : Task.FromResult(1);
        });
        Task<GraphContext<int>> resolving = builder.Build(new() { Time = clock }).ResolveAsync(0, source.Token).AsTask();
        Assert.True(isTold);
        Assert.Equal(!suspends, resolving.IsCompleted);
        clock.Advance(TimeSpan.FromSeconds(5));      // a function that was cancelled before its first await has its stop timeout, too
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => resolving);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task ANodeCancelledByTheCallersTokenHasNotFailed(int option)
    {
        GraphBuilder<int> builder = Graph.For<int>();
        int calls = 0;
        bool fellBack = false;
        using var source = new CancellationTokenSource();
        TaskCompletionSource go = new(TaskCreationOptions.RunContinuationsAsynchronously),
            isListening = new(TaskCreationOptions.RunContinuationsAsynchronously);
        GraphNode<int> first = builder.Add("first", async _ =>
        {
            await go.Task;
            return 1;
        });
        // Registers after the resolve, so its callback is called first.
        GraphNode<int> listens = builder.Add("listens", first, async _ =>
        {
            calls++;
            var told = new TaskCompletionSource<int>();
            await using CancellationTokenRegistration registration = source.Token.Register(() => told.TrySetCanceled(source.Token));
            isListening.TrySetResult();
            return await told.Task;
        });
        if (option == 1) listens.Optional();
        if (option == 2)
        {
            listens.Fallback(_ =>
            {
                fellBack = true;
                return 7;
            });
        }
        if (option == 3) listens.Retry(3);
        Task<GraphContext<int>> resolving = builder.Build().ResolveAsync(0, source.Token).AsTask();
        go.SetResult();
        await isListening.Task.WaitAsync(Cancellation);
        await source.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => resolving);
        Assert.Equal((1, false), (calls, fellBack));
    }

    [Fact]
    public async Task TheTimeoutDoesNotCountTheWaitForAPermit()
    {
        GraphBuilder<int> builder = Graph.For<int>();
        GraphNode<int> narrow = builder.Add("narrow", async (n, cancellation) =>
        {
            await Task.Delay(TimeSpan.FromSeconds(2), clock, cancellation);
            return n;
        }).Limit(1).Timeout(TimeSpan.FromSeconds(3));
        Graph<int> graph = builder.Build(new() { Time = clock });
        Task<GraphContext<int>>[] all = [.. Enumerable.Range(0, 4).Select(n => graph.ResolveAsync(n, Cancellation).AsTask())];
        for (int i = 0; i < all.Length; i++)
        {
            await clock.WaitForTimersAsync(2, Cancellation);    // the delay, and its timeout
            clock.Advance(TimeSpan.FromSeconds(2));
            await all[i];
        }
        Assert.Equal([0, 1, 2, 3], all.Select(one => one.Result.Get(narrow)));
    }

    [Fact]
    public async Task AnAttemptThatTimedOutKeepsItsPermitUntilItEnds()
    {
        GraphBuilder<int> builder = Graph.For<int>();
        TaskCompletionSource<int>[] ends = [new(), new()];
        int started = 0;
        GraphNode<int> deaf = builder.Add("deaf", _ => ends[started++].Task).Limit(1).Timeout(TimeSpan.FromSeconds(1)).Retry(1);
        Task<GraphContext<int>> resolving = builder.Build(new() { Time = clock }).ResolveAsync(0, Cancellation).AsTask();
        clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal((1, false), (started, resolving.IsCompleted));
        ends[0].SetException(new FormatException("Nobody is told of this one."));
        await clock.WaitForTimersAsync(1, Cancellation);
        ends[1].SetResult(5);
        GraphContext<int> context = await resolving;
        Assert.Equal((2, 5, 2), (started, context.Get(deaf), context.Outcome(deaf).Attempts));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public async Task AResolveEndsOnceInARaceOfEndTimeoutAndCancellation(int retries)
    {
        for (int round = 0; round < 200; round++)
        {
            var own = new TestClock();
            var end = new TaskCompletionSource<int>(TaskCreationOptions.RunContinuationsAsynchronously);
            GraphBuilder<int> builder = Graph.For<int>();
            GraphNode<int> node = builder.Add("node", (_, cancellation) => end.Task.WaitAsync(cancellation)).Limit(1)
                .Timeout(TimeSpan.FromSeconds(1)).Retry(retries).Optional();
            using var source = new CancellationTokenSource();
            Task<GraphContext<int>> resolving = builder.Build(new() { Time = own, StopTimeout = Timeout.InfiniteTimeSpan })
                .ResolveAsync(0, source.Token).AsTask();
            using var together = new Barrier(3);
            await Task.WhenAll(new[] { () => own.Advance(TimeSpan.FromSeconds(1)), () => end.SetResult(5), round % 2 == 0 ? source.Cancel
                : () => { } }.Select(act => Task.Run(() =>
            {
                together.SignalAndWait(Cancellation);
                act();
            })));
            GraphContext<int>? context = null;
            try
            {
                context = await resolving.WaitAsync(Cancellation);
            }
            catch (OperationCanceledException) when (source.IsCancellationRequested && !Cancellation.IsCancellationRequested)
            {
                // the cancellation came first
            }
            if (context is not null && context.Outcome(node) is { Succeeded: false } outcome)
                Assert.IsType<TimeoutException>(outcome.Exception);
            Assert.Equal(0, own.ArmedTimers);
        }
    }

    /// <param name="limit">The timeout of the node slow, which hears its token and goes on until the test ends it.</param>
    /// <param name="retries">The retries of that node.</param>
    /// <param name="fails">Whether there is another node, which fails.</param>
    private (Graph<int> Graph, TaskCompletionSource Told, TaskCompletionSource<int> End) Slow(TimeSpan? limit, int retries, bool fails)
    {
        var told = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var end = new TaskCompletionSource<int>(TaskCreationOptions.RunContinuationsAsynchronously);
        GraphBuilder<int> builder = Graph.For<int>();
        GraphNode<int> slow = builder.Add("slow", async (_, cancellation) =>
        {
            await using CancellationTokenRegistration registration = cancellation.Register(() => told.TrySetResult());
            return await end.Task;
        }).Retry(retries);
        if (limit is { } time) slow.Timeout(time);
        if (fails) builder.Add<int>("bad", (Func<int, int>)(_ => throw new FormatException("no good")));
        return (builder.Build(new() { Time = clock, StopTimeout = TimeSpan.FromSeconds(5) }), told, end);
    }
}
