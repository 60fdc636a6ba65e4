using Sluice.Graphs;
using Sluice.Testing;
using Sluice.Tests.Engine;

namespace Sluice.Tests.Graphs;

/// <summary>Functions that are told of each resolve of a graph.</summary>
public class GraphWatchTests
{
    private readonly TestClock clock = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task AWatcherGetsTheContextWithItsTimesBeforeTheCallerDoes()
    {
        (Graph<int> graph, GraphNode<int> node) = Make(request => request + 1);
        List<(GraphContext Context, Exception? Problem)> told = [];
        using IDisposable watch = graph.Watch((context, problem) => told.Add((context, problem)));
        GraphContext<int> result = await graph.ResolveAsync(1, Cancellation);
        (GraphContext context, Exception? problem) = Assert.Single(told);
        Assert.Same(result, context);
        Assert.Null(problem);
        Assert.Equal(TimeSpan.FromSeconds(1), context.Elapsed);
        Assert.Equal(TimeSpan.FromSeconds(1), context.Outcome(node).Elapsed);
    }

    [Fact]
    public async Task ANodeMayAskForTheTimeSoFar()
    {
        GraphBuilder<int> builder = Graph.For<int>();
        GraphNode<int> first = builder.Add("first", request =>
        {
            clock.Advance(TimeSpan.FromSeconds(2));
            return request;
        });
        GraphNode<TimeSpan> second = builder.Add("second", [first], context => context.Elapsed);
        GraphContext<int> result = await builder.Build(new() { Time = clock, RecordTimings = true }).ResolveAsync(1, Cancellation);
        Assert.Equal((TimeSpan.FromSeconds(2), TimeSpan.FromSeconds(2)), (result.Get(second), result.Elapsed));
    }

    [Fact]
    public async Task AResolveThatWaitsIsToldOnceWhenItHasEnded()
    {
        var gate = new TaskCompletionSource();
        GraphBuilder<int> builder = Graph.For<int>();
        builder.Add("waits", async _ =>
        {
            await gate.Task;
            return 1;
        });
        Graph<int> graph = builder.Build();
        int told = 0;
        using IDisposable watch = graph.Watch((_, _) => told++);
        ValueTask<GraphContext<int>> resolving = graph.ResolveAsync(1, Cancellation);
        Assert.Equal(0, told);
        gate.SetResult();
        await resolving;
        Assert.Equal(1, told);
    }

    [Fact]
    public async Task FailuresAndCancellationsAreToldApart()
    {
        (Graph<int> graph, _) = Make(request => request == 0 ? throw new FormatException("no good") : request);
        List<Exception?> told = [];
        using IDisposable watch = graph.Watch((_, problem) => told.Add(problem));
        var failure = await Assert.ThrowsAsync<NodeFailedException>(async () => await graph.ResolveAsync(0, Cancellation));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await graph.ResolveAsync(1, new(canceled: true)));
        Assert.Equal(2, told.Count);
        Assert.Same(failure, told[0]);
        Assert.IsAssignableFrom<OperationCanceledException>(told[1]);
    }

    [Fact]
    public async Task NobodyIsToldWhenTheWatchIsDisposedAndNothingIsTimed()
    {
        (Graph<int> graph, _) = Make(request => request);
        int one = 0, other = 0;
        IDisposable first = graph.Watch((_, _) => one++), second = graph.Watch((_, _) => other++);
        await graph.ResolveAsync(1, Cancellation);
        first.Dispose();
        first.Dispose();
        await graph.ResolveAsync(1, Cancellation);
        second.Dispose();
        GraphContext<int> last = await graph.ResolveAsync(1, Cancellation);
        Assert.Equal((1, 2), (one, other));
        Assert.Equal(TimeSpan.Zero, last.Elapsed);
    }

    [Fact]
    public async Task OnlySoManyResolvesOfASecondAreTimedAndAllAreTold()
    {
        GraphBuilder<int> builder = Graph.For<int>();
        builder.Add("node", static request => request);
        Graph<int> graph = builder.Build(new() { Time = clock });
        List<bool> timed = [], alsoTimed = [];
        using (graph.Watch((context, _) => timed.Add(context.HasTimings), maxTimedPerSecond: 2))
        {
            for (int i = 0; i < 4; i++) await graph.ResolveAsync(i, Cancellation);
            clock.Advance(TimeSpan.FromSeconds(1));
            for (int i = 0; i < 3; i++) await graph.ResolveAsync(i, Cancellation);
            Assert.Equal([true, true, false, false, true, true, false], timed);
            using IDisposable greedy = graph.Watch((context, _) => alsoTimed.Add(context.HasTimings));
            await graph.ResolveAsync(1, Cancellation);
            Assert.True(timed[^1] && alsoTimed[^1]);
        }
        using IDisposable counting = graph.Watch((context, _) => timed.Add(context.HasTimings), maxTimedPerSecond: 0);
        Assert.False((await graph.ResolveAsync(1, Cancellation)).HasTimings);
        Assert.Throws<ArgumentOutOfRangeException>(() => graph.Watch(static (_, _) => { }, maxTimedPerSecond: -1));
    }

    [Fact]
    public async Task ACopyOfTheGraphIsNotWatched()
    {
        (Graph<int> graph, _) = Make(request => request);
        int told = 0;
        using IDisposable watch = graph.Watch((_, _) => told++);
        await graph.With(static _ => { }).ResolveAsync(1, Cancellation);
        Assert.Equal(0, told);
    }

    [Fact]
    public async Task AWatcherThatThrowsIsAWarningAndTheOthersAreTold()
    {
        using var warnings = new WarningListener();
        (Graph<int> graph, GraphNode<int> node) = Make(request => request);
        int told = 0;
        using IDisposable broken = graph.Watch(static (_, _) => throw new FormatException("the watcher is broken"));
        using IDisposable other = graph.Watch((_, _) => told++);
        Assert.Equal(7, (await graph.ResolveAsync(7, Cancellation)).Get(node));
        Assert.Equal(1, told);
        Assert.Contains(warnings.Texts, static text => text.Contains("FormatException: the watcher is broken. The resolve is not",
            StringComparison.Ordinal)
            && text.Contains("'numbers'", StringComparison.Ordinal));
    }

    private (Graph<int> Graph, GraphNode<int> Node) Make(Func<int, int> function)
    {
        GraphBuilder<int> builder = Graph.For<int>("numbers");
        GraphNode<int> node = builder.Add("node", request =>
        {
            clock.Advance(TimeSpan.FromSeconds(1));
            return function(request);
        });
        return (builder.Build(new() { Time = clock }), node);
    }
}
