using Sluice.Graphs;
using Sluice.Testing;

namespace Sluice.Tests.Graphs;

/// <summary>Functions that report a cancellation by an exception of their own, as many clients do.</summary>
public class ReportedCancellationTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task AnExceptionAfterTheCallersCancellationIsNoFailure(int option)
    {
        GraphBuilder<int> builder = Graph.For<int>("page");
        int calls = 0, fallbacks = 0;
        GraphNode<int> price = builder.Add("price", (_, cancellation) =>
        {
            calls++;
            return AbortedAsync(cancellation);
        });
        if (option == 1) price.Optional();
        if (option == 2) price.Fallback(_ => fallbacks++);
        if (option == 3) price.Retry(3);
        Graph<int> graph = builder.Build();
        NodeOutcome? outcome = null;
        using IDisposable watch = graph.Watch((context, _) => outcome = context.Outcome(price));
        using var source = new CancellationTokenSource();

        Task<GraphContext<int>> resolving = graph.ResolveAsync(0, source.Token).AsTask();
        await source.CancelAsync();

        var cancelled = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => resolving);
        Assert.True(resolving.IsCanceled);
        Assert.Equal(source.Token, cancelled.CancellationToken);
        Assert.Equal(("The resolve was cancelled.", "aborted"),
            (cancelled.Message, Assert.IsType<IOException>(cancelled.InnerException).Message));
        Assert.Equal((NodeStatus.Cancelled, 1, 0), (outcome!.Status, calls, fallbacks));
        Assert.IsType<IOException>(outcome.Exception);
    }

    [Fact]
    public async Task ASynchronousFunctionMayReportTheCancellation()
    {
        GraphBuilder<int> builder = Graph.For<int>("page");
        using var source = new CancellationTokenSource();
        builder.Add("price", int (_) =>
        {
            source.Cancel();
            throw new IOException("aborted");
        });
        var cancelled = await Assert.ThrowsAnyAsync<OperationCanceledException>(async () =>
            await builder.Build().ResolveAsync(0, source.Token));
        Assert.IsType<IOException>(cancelled.InnerException);
    }

    [Fact]
    public async Task ANodeThatIsCancelledByTheFailureOfAnotherHasNotFailed()
    {
        GraphBuilder<int> builder = Graph.For<int>("page");
        int fallbacks = 0;
        var fail = new TaskCompletionSource<int>(TaskCreationOptions.RunContinuationsAsynchronously);
        GraphNode<int> price = builder.Add("price", (_, cancellation) => AbortedAsync(cancellation)).Fallback(_ => fallbacks++);
        builder.Add("reviews", _ => fail.Task);
        Graph<int> graph = builder.Build();
        NodeOutcome? outcome = null;
        using IDisposable watch = graph.Watch((context, _) => outcome = context.Outcome(price));

        Task<GraphContext<int>> resolving = graph.ResolveAsync(0, Cancellation).AsTask();
        fail.SetException(new FormatException("no good"));

        Assert.Equal("reviews", (await Assert.ThrowsAsync<NodeFailedException>(() => resolving)).Node);
        Assert.Equal((NodeStatus.Cancelled, 0), (outcome!.Status, fallbacks));
    }

    /// <summary>Also if no node has waited.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task TheTaskOfACancelledResolveIsCancelled(bool waits)
    {
        GraphBuilder<int> builder = Graph.For<int>("page");
        GraphNode<int> price = builder.Add("price", async (n, cancellation) =>
        {
            if (waits) await Task.Delay(Timeout.InfiniteTimeSpan, cancellation);
            return n;
        });
        Graph<int> graph = builder.Build();
        using var source = new CancellationTokenSource();
        if (!waits) await source.CancelAsync();
        List<Task> all = [graph.ResolveAsync(0, source.Token).AsTask(), graph.ResolveAsync(0, price, source.Token).AsTask()];
        if (!waits) all.Add(DataFlow.From(Next).RunAsync(new { n = 1 }, source.Token).AsTask());
        if (waits) await source.CancelAsync();
        foreach (Task resolving in all)
        {
            var cancelled = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => resolving);
            Assert.Equal((true, source.Token), (resolving.IsCanceled, cancelled.CancellationToken));
        }

        static int Next(int n) => n + 1;
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task AnExceptionAfterTheTimeLimitIsATimeout(bool blocks)
    {
        var clock = new TestClock();
        GraphBuilder<int> builder = Graph.For<int>("page");
        int calls = 0;
        GraphNode<int> price = builder.Add("price", (n, cancellation) =>
        {
            if (++calls == 2) return Task.FromResult(n);
            if (!blocks) return AbortedAsync(cancellation);
            clock.Advance(TimeSpan.FromSeconds(1));
            throw new IOException("aborted");
        }).Timeout(TimeSpan.FromSeconds(1)).Retry(1, Backoff.None.When(
            e => e is TimeoutException late && (!blocks || late.InnerException is IOException)));
        Task<GraphContext<int>> resolving = builder.Build(new() { Time = clock }).ResolveAsync(7, Cancellation).AsTask();
        if (!blocks) clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal((7, 2), ((await resolving.WaitAsync(Cancellation)).Get(price), calls));
    }

    // Fails as soon as its token is cancelled.
    private static Task<int> AbortedAsync(CancellationToken cancellation)
    {
        var aborted = new TaskCompletionSource<int>();
        cancellation.Register(() => aborted.TrySetException(new IOException("aborted")));
        return aborted.Task;
    }
}
