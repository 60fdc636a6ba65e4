using Sluice.Graphs;
using Sluice.Testing;

namespace Sluice.Tests.Graphs;

/// <summary>A call that has a place lends it while a node with a limit runs inside, and takes it back when it is free.</summary>
public class NestedLimitTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private readonly TestClock clock = new();
    private readonly TaskCompletionSource<int> inside = new(), busy = new(), other = new();

    [Theory]
    [InlineData(0)]
    [InlineData(2)]
    public async Task TheWaitForTheCallersPlaceIsOutsideOfTheTimeLimit(int retries)
    {
        GraphBuilder<int> inner = Graph.For<int>();
        int calls = 0;
        GraphNode<int> node = inner.Add("node", _ =>
        {
            calls++;
            return inside.Task;
        }).Limit(10).Timeout(TimeSpan.FromSeconds(1)).Retry(retries);
        Graph<int> graph = inner.Build(new() { Time = clock });
        (Graph<int> outer, GraphNode<NodeOutcome?> outcome) = Outer(async id => (await graph.ResolveAsync(id, Cancellation)).Outcome(node));

        Task<GraphContext<int>> first = outer.ResolveAsync(1, Cancellation).AsTask();
        Task<GraphContext<int>> second = outer.ResolveAsync(2, Cancellation).AsTask();
        inside.SetResult(5);
        clock.Advance(TimeSpan.FromSeconds(1));
        Assert.False(first.IsCompleted);             // the second call has the place
        busy.SetResult(0);
        NodeOutcome known = (await first.WaitAsync(TimeSpan.FromMinutes(1), Cancellation)).Get(outcome)!;
        Assert.Equal((NodeStatus.Succeeded, 1, 5, 1), (known.Status, known.Attempts, known.Value, calls));
        await second;
    }

    [Fact]
    public async Task AResolveThatStopsDoesNotWaitForItsCallersPlace()
    {
        GraphBuilder<int> inner = Graph.For<int>();
        inner.Add("node", _ => inside.Task).Limit(10);
        Graph<int> graph = inner.Build(new() { Time = clock, StopTimeout = Timeout.InfiniteTimeSpan });
        using var stop = new CancellationTokenSource();
        (Graph<int> outer, _) = Outer(async id =>
        {
            await graph.ResolveAsync(id, stop.Token);
            return null;
        });

        Task<GraphContext<int>> first = outer.ResolveAsync(1, Cancellation).AsTask();
        Task<GraphContext<int>> second = outer.ResolveAsync(2, Cancellation).AsTask();
        inside.SetResult(5);
        Assert.False(first.IsCompleted);
        await stop.CancelAsync();
        var failed = await Assert.ThrowsAsync<NodeFailedException>(() => first.WaitAsync(TimeSpan.FromMinutes(1), Cancellation));
        Assert.IsAssignableFrom<OperationCanceledException>(failed.InnerException);

        // The first call has asked for its place, and gives it back at once.
        Task<GraphContext<int>> third = outer.ResolveAsync(2, Cancellation).AsTask();
        busy.SetResult(0);
        await second;
        await third.WaitAsync(TimeSpan.FromMinutes(1), Cancellation);
    }

    /// <summary>While one flow of a call waits for the place, another lends it once more, and then waits for it, too.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task TwoFlowsOfACallWaitForItsPlaceTogether(bool isFreeWhileLent)
    {
        TaskCompletionSource later = new(), hasEnded = new(TaskCreationOptions.RunContinuationsAsynchronously);
        TaskCompletionSource<int> insideLater = new();
        GraphBuilder<int> inner = Graph.For<int>();
        inner.Add("node", id => id == 1 ? inside.Task : insideLater.Task).Limit(10);
        Graph<int> graph = inner.Build();
        (Graph<int> outer, _) = Outer(async id =>
        {
            await Task.WhenAll(FirstAsync(), LaterAsync());
            return null;
        });

        Task<GraphContext<int>> first = outer.ResolveAsync(1, Cancellation).AsTask();
        Task<GraphContext<int>> second = outer.ResolveAsync(2, Cancellation).AsTask();
        inside.SetResult(5);                         // the first flow waits for the place
        later.SetResult();                           // the second flow lends it
        Task third = Task.CompletedTask;
        if (isFreeWhileLent)
        {
            busy.SetResult(0);
            // The first call gets the place, and gives it back at once, because it is lent.
            await hasEnded.Task.WaitAsync(TimeSpan.FromMinutes(1), Cancellation);
            third = outer.ResolveAsync(3, Cancellation).AsTask();
        }
        insideLater.SetResult(6);
        Assert.Equal((isFreeWhileLent, false), (second.IsCompleted, first.IsCompleted));
        (isFreeWhileLent ? other : busy).SetResult(0);
        await Task.WhenAll(first, second, third).WaitAsync(TimeSpan.FromMinutes(1), Cancellation);
        await outer.ResolveAsync(2, Cancellation).AsTask().WaitAsync(TimeSpan.FromMinutes(1), Cancellation);

        async Task FirstAsync()
        {
            await graph.ResolveAsync(1, Cancellation);
            hasEnded.SetResult();
        }

        async Task LaterAsync()
        {
            await later.Task;
            await graph.ResolveAsync(2, Cancellation);
        }
    }

    /// <summary>A node with one place, which 2 holds until <see cref="busy"/> ends, and 3 until <see cref="other"/> ends; 1 does the work.
    /// </summary>
    private (Graph<int> Graph, GraphNode<NodeOutcome?> Node) Outer(Func<int, Task<NodeOutcome?>> work)
    {
        GraphBuilder<int> builder = Graph.For<int>();
        GraphNode<NodeOutcome?> node = builder.Add("outer", async id =>
        {
            if (id == 1) return await work(id);
            await (id == 2 ? busy : other).Task;
            return null;
        }).Limit(1);
        return (builder.Build(), node);
    }
}
