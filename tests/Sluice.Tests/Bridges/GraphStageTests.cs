using Sluice.Graphs;

namespace Sluice.Tests.Bridges;

/// <summary>A graph as a stage of a pipeline.</summary>
public class GraphStageTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task AGraphStageResolvesItemsInParallelAndInOrder()
    {
        const int Lanes = 8;
        int running = 0, most = 0;
        var all = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        GraphBuilder<int> builder = Graph.For<int>("square");
        GraphNode<int> number = builder.Add("number", async (n, cancellation) =>
        {
            int now = Interlocked.Increment(ref running);
            lock (builder) most = Math.Max(most, now);
            if (now == Lanes) all.TrySetResult();
            await all.Task.WaitAsync(cancellation);
            Interlocked.Decrement(ref running);
            return n;
        });
        GraphNode<int> square = builder.Add("square", number, n => n * n);
        Source<int> squares = Source.From(Enumerable.Range(0, 100)) | builder.Build() | Stage.Parallel(Lanes)
            | (context => context.Get(square));
        Assert.Equal(Enumerable.Range(0, 100).Select(n => n * n), await squares.ToListAsync(cancellation: Cancellation));
        Assert.Equal(Lanes, most);
        Assert.Contains("square (parallel 8)", squares.Topology.ToText(), StringComparison.Ordinal);
        Assert.Equal("graph", squares.Topology.Find("square").Kind);
    }

    [Fact]
    public async Task AFailedGraphFailsTheStageAndNamesTheNode()
    {
        GraphBuilder<int> builder = Graph.For<int>("page");
        builder.Add("price", n => n == 3 ? throw new FormatException("no price") : n);
        Pipe<int, GraphContext<int>> pages = Pipe.Of<int>() | builder.Build();
        List<int> done = [];
        Pipeline pipeline = Source.From([1, 2, 3, 4]) | pages | (context => done.Add(context.Request));
        var failure = await Assert.ThrowsAsync<PipelineException>(() => pipeline.RunAsync(cancellation: Cancellation));
        Assert.Equal(("page", 3), (failure.Node, failure.Item));
        Assert.Contains("The node price of the graph 'page' failed: no price", failure.Message, StringComparison.Ordinal);
        Assert.Equal([1, 2], done);

        done.Clear();
        await (Source.From([1, 2, 3, 4]) | pages | Stage.OnError(ErrorPolicy.Skip)
            | (context => done.Add(context.Request))).RunAsync(cancellation: Cancellation);
        Assert.Equal([1, 2, 4], done);
    }
}
