using Sluice.Dashboard.Sampling;
using Sluice.Graphs;
using Sluice.Testing;

namespace Sluice.Dashboard.Tests.Sampling;

/// <summary>What is recorded of resolves: bounded, for an hour, whatever the clocks do.</summary>
public class GraphRecorderTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task OfAHundredThousandResolvesTheLastTwentyAreKeptWithoutTheirRequestsAndValues()
    {
        var shop = new Shop();
        using var recorder = new GraphRecorder(shop.Graph, shop.Clock);
        List<WeakReference> contexts = await ResolveAsync(shop, 100_000);
        GraphRecord record = recorder.Look();
        Assert.Equal((100_000, 0, GraphRecorder.MaxResolves), (record.Count, record.Failed, record.Last.Count));
        Assert.All(record.Last, static one => Assert.InRange(one.Number, 99_900, 100_000));
        GC.Collect();
        Assert.Equal(0, contexts.Count(static one => one.IsAlive));
    }

    [Fact]
    public void AGraphThatTheHostMakesEachTimeIsRecordedOnce()
    {
        int made = 0;
        var clock = new TestClock();
        using var recorders = new GraphRecorders(new() { Time = clock }, () =>
        {
            if (++made == 1) throw new FormatException("not yet");
            GraphBuilder<int> builder = Graph.For<int>();
            builder.Add("node", static request => request);
            return [builder.Build()];
        });
        Assert.Empty(recorders.Find());
        Assert.NotNull(recorders.Problem);
        clock.Advance(TimeSpan.FromMinutes(1));
        Assert.Same(Assert.Single(recorders.Find()), Assert.Single(recorders.Find()));
        Assert.Equal((2, null), (made, recorders.Problem));
    }

    [Fact]
    public async Task ABusyGraphIsCountedAndItsFailuresAreKeptWhileTheRestOfASecondIsNotRecorded()
    {
        var clock = new TestClock();
        GraphBuilder<int> builder = Graph.For<int>();
        builder.Add("node", static request => request is 5 or 150 ? throw new FormatException($"{request} is no good") : request);
        Graph<int> graph = builder.Build(new() { Time = clock });
        using var recorder = new GraphRecorder(graph, clock);
        for (int i = 0; i < 200; i++)
        {
            try
            {
                await graph.ResolveAsync(i, Cancellation);
            }
            catch (NodeFailedException)
            {
                // The record has it.
            }
        }
        GraphRecord record = recorder.Look();
        Assert.Equal((200, 2), (record.Count, record.Failed));
        Assert.Equal(100, record.Last[0].Number);
        Assert.Equal([(151L, false), (6L, true)], record.LastFailed.Select(static one => (one.Number, one.IsRecorded)));
        Assert.Contains("150 is no good", record.LastFailed[0].Problem, StringComparison.Ordinal);
        NodeFigures node = Assert.Single(recorder.Figures());
        Assert.Equal((100, 1), (node.Count, node.Failed));
        Assert.All(record.Outcomes, static outcome => Assert.Equal(ResolveOutcome.Succeeded, outcome));
        clock.Advance(TimeSpan.FromSeconds(1));
        await graph.ResolveAsync(0, Cancellation);
        Assert.Equal(201, recorder.Look().Last[0].Number);
    }

    [Fact]
    public async Task FiguresAreThoseOfTheLastHour()
    {
        var shop = new Shop();
        using var recorder = new GraphRecorder(shop.Graph, shop.Clock);
        for (int i = 0; i < 3; i++) await shop.ResolveAsync("no reviews");
        shop.Clock.Advance(TimeSpan.FromMinutes(30));
        await shop.ResolveAsync();
        Assert.Equal((4, 3, TimeSpan.FromMilliseconds(20)), Reviews());
        shop.Clock.Advance(TimeSpan.FromMinutes(36));
        Assert.Equal((1, 0, TimeSpan.FromMilliseconds(20)), Reviews());
        shop.Clock.Advance(TimeSpan.FromMinutes(30));
        Assert.Empty(recorder.Figures());
        shop.Clock.Advance(TimeSpan.FromDays(400));
        await shop.ResolveAsync();
        Assert.Equal((1, 0, TimeSpan.FromMilliseconds(20)), Reviews());

        (long Count, long Failed, TimeSpan Max) Reviews()
        {
            NodeFigures found = Assert.Single(recorder.Figures(), static one => one.Name == Shop.Hostile);
            return (found.Count, found.Failed, found.Max);
        }
    }

    [Fact]
    public void PercentilesAreRightUpToAFactorAndNeverAboveTheLongestTime()
    {
        var times = new NodeTimes();
        for (int i = 0; i < 95; i++) times.Add(7, Took(1), default);
        for (int i = 0; i < 5; i++) times.Add(8, Took(100), default);
        NodeFigures sum = times.Sum("node", 8)!;
        Assert.InRange(sum.Percentile95.TotalMilliseconds, 1, 1.42);
        Assert.Equal((100, 100, 5.95), (sum.Count, sum.Max.TotalMilliseconds, sum.Mean.TotalMilliseconds));
        times.Add(8, Took(100), default);
        Assert.InRange(times.Sum("node", 8)!.Percentile95.TotalMilliseconds, 70, 100);
        var slow = new NodeTimes();
        slow.Add(1, Took(90_000_000), default);
        slow.Add(1, Took(0), default);
        Assert.Equal(TimeSpan.FromMilliseconds(90_000_000), slow.Sum("node", 1)!.Percentile95);
        Assert.Null(slow.Sum("node", 14));

        static NodeRun Took(double milliseconds) => new(NodeStatus.Succeeded, default, TimeSpan.FromMilliseconds(milliseconds), 1, "");
    }

    [Fact]
    public async Task ClocksThatGoBackLoseNothing()
    {
        var clock = new JumpingClock();
        GraphBuilder<int> builder = Graph.For<int>();
        builder.Add("node", request =>
        {
            clock.Jump(TimeSpan.FromSeconds(-request));
            return request;
        });
        Graph<int> graph = builder.Build(new() { Time = clock });
        using var recorder = new GraphRecorder(graph, clock);
        foreach (int seconds in (int[])[0, 10, 86_400 * 30, -5, 86_400 * 400]) await graph.ResolveAsync(seconds, Cancellation);
        Assert.Equal(5, recorder.Look().Count);
        Assert.All(recorder.Look().Last, static one => Assert.True(one.Elapsed >= TimeSpan.Zero && one.Nodes[0].Elapsed >= TimeSpan.Zero));
        NodeFigures node = Assert.Single(recorder.Figures());
        Assert.Equal((5, TimeSpan.FromSeconds(5)), (node.Count, node.Max));
    }

    [Fact]
    public async Task AnErrorWhoseMessageThrowsIsRecordedByItsType()
    {
        GraphBuilder<int> builder = Graph.For<int>();
        builder.Add("node", static int (int _) => throw new SilentException()).Optional();
        Graph<int> graph = builder.Build();
        using var recorder = new GraphRecorder(graph, TimeProvider.System);
        await graph.ResolveAsync(1, Cancellation);
        Assert.Equal("SilentException, whose message cannot be read (NotSupportedException).",
            Assert.Single(recorder.Figures()).LastFailure?.Why);
    }

    [Fact]
    public async Task OnlyTheFirstNodesOfALargeGraphAreRecorded()
    {
        GraphBuilder<int> builder = Graph.For<int>();
        for (int i = 0; i < GraphRecorder.MaxNodes + 500; i++) builder.Add($"node {i}", static request => request);
        Graph<int> graph = builder.Build();
        using var recorder = new GraphRecorder(graph, TimeProvider.System);
        await graph.ResolveAsync(1, Cancellation);
        Assert.Equal((GraphRecorder.MaxNodes, GraphRecorder.MaxNodes), (recorder.Look().Last[0].Nodes.Length, recorder.Figures().Count));
    }

    // The last one may still be held by the caller's frame.
    private static async Task<List<WeakReference>> ResolveAsync(Shop shop, int count)
    {
        List<WeakReference> contexts = [];
        for (int i = 0; i < count; i++)
        {
            GraphContext<string> context = await shop.ResolveAsync(i % 2 == 0 ? "no reviews" : "fine");
            if (i >= count - 100 && i < count - 1) contexts.Add(new(context));
        }
        return contexts;
    }

    private sealed class SilentException : Exception
    {
        public override string Message => throw new NotSupportedException();
    }

    /// <summary>Both of its times jump, as those of a broken virtual machine do.</summary>
    private sealed class JumpingClock : TimeProvider
    {
        private TimeSpan now = TimeSpan.FromDays(1_000);

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public void Jump(TimeSpan by) => now += by;

        public override long GetTimestamp() => now.Ticks;

        public override DateTimeOffset GetUtcNow() => DateTimeOffset.UnixEpoch + now;
    }
}
