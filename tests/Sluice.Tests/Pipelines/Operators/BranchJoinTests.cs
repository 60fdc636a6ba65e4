using Sluice.Diagnostics;
using Sluice.Topologies;

namespace Sluice.Tests.Pipelines.Operators;

/// <summary>Joins and zips of two branches of one source, in runs without a store.</summary>
public class BranchJoinTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory, InlineData(ExecutionMode.SingleThread, false), InlineData(ExecutionMode.MultiThread, false),
        InlineData(ExecutionMode.SingleThread, true), InlineData(ExecutionMode.MultiThread, true)]
    public async Task AJoinPairsTwoBranchesOfOneSourceByKey(ExecutionMode mode, bool isApart)
    {
        List<string> seen = [];
        RunSnapshot end = await Source.From(Enumerable.Range(0, 1000)).Join(
                left => isApart ? left | (static n => $"<{n}>") | Stage.Parallel(3) : left | (static n => $"<{n}>"),
                right => right.Where(static n => n % 2 == 0), static text => int.Parse(text[1..^1]), static n => n,
                    static (text, n) => $"{text}{n}")
            .ForEach(seen.Add).RunAsync(new RunOptions { Mode = mode, TrackItems = true });
        Assert.Equal(Enumerable.Range(0, 500).Select(static n => $"<{2 * n}>{2 * n}").Order(), seen.Order());
        NodeSnapshot join = end.Nodes.Single(static node => node.Node.Kind == "join");
        Assert.Equal((1500L, 500L, 500L), (join.In, join.Out, join.Skipped));
        Assert.Equal((0L, 0L), (end.Roots!.Value.Failed, end.Roots.Value.Pending));
    }

    [Theory, InlineData(ExecutionMode.SingleThread, false), InlineData(ExecutionMode.MultiThread, false),
        InlineData(ExecutionMode.MultiThread, true)]
    public async Task AZipDoesNotWaitForABranchThatFilters(ExecutionMode mode, bool isApart)
    {
        List<string> seen = [];
        await Source.From(Enumerable.Range(0, 1000)).Zip(left => left, right => isApart
            ? right.Where(static n => n % 7 == 0) | Stage.Buffer(2) | (static n => n) : right.Where(static n => n % 7 == 0),
            static (left, right) => $"{left}-{right}")
            .ForEach(seen.Add).RunAsync(new RunOptions { Mode = mode });
        Assert.Equal(Enumerable.Range(0, 143).Select(static n => $"{n}-{7 * n}"), seen);
    }

    [Fact]
    public async Task AJoinForgetsTheOldestItemBeyondMaxHeld()
    {
        List<string> seen = [];
        await Source.From([1, 2, 3, -1, -3]).Join(left => left.Where(static n => n > 0), right => right.Where(static n => n < 0),
            static n => n, static n => -n, static (left, right) => $"{left}{right}", maxHeld: 2)
            .ForEach(seen.Add).RunAsync(cancellation: Cancellation);
        Assert.Equal(["3-3"], seen);
    }

    [Fact]
    public async Task AJoinWarnsOnceInARunThatItForgetsItemsBeyondMaxHeld()
    {
        using var listener = new WarningListener();
        for (int run = 1; run <= 2; run++)
        {
            await (Source.From([1, 2, 3, 4, 5]).Join(static left => left, static right => right.Where(static n => n > 100), static n => n,
                static n => n, static (left, right) => left, maxHeld: 1) | Stage.Named("forgetful-branches"))
                .ForEach(static _ => { }).RunAsync(cancellation: Cancellation);
            Assert.Equal(run, listener.Texts.Count(static text => text.StartsWith(
                "'forgetful-branches' holds 1 item of each side at most", StringComparison.Ordinal)));
        }
    }

    [Fact]
    public void TheTopologyShowsTheBranchesOfAJoin()
    {
        Topology drawn = Source.From([1]).Join(left => left | One, right => right | Two, static n => n, static n => n,
            static (left, right) => left + right).ForEach(static _ => { }).Topology;
        Assert.Equal(["One -> join", "Two -> join", "source -> One", "source -> Two"],
            drawn.Edges.Select(edge => $"{Name(edge.From)} -> {Name(edge.To)}")
                .Where(static edge => !edge.StartsWith("join", StringComparison.Ordinal)).Order());

        string Name(TopologyNode node) => node.Kind is "map" ? node.Name : node.Kind;
    }

    [Fact]
    public async Task NodesInTheBranchesOfAJoinCanBeReplaced()
    {
        List<int> seen = [];
        Pipeline pipeline = Source.From([1, 2]).Join(left => left | One | Stage.Named("one"), right => right | Two | Stage.Named("two"),
            static n => n / 10, static n => n / 10, static (left, right) => left + right).ForEach(seen.Add);
        await pipeline.RunAsync(cancellation: Cancellation);
        await pipeline.Replace("one", Pipe.Of<int>() | (static n => (10 * n) + 5)).RunAsync(cancellation: Cancellation);
        Assert.Equal([23, 43, 27, 47], seen);
    }

    [Fact]
    public async Task AFailureOfTheKeyFunctionNamesTheItem()
    {
        var failure = await Assert.ThrowsAsync<PipelineException>(() => Source.From([1]).Join(
            left => left, right => right, static _ => throw new FormatException("no key"), static n => n,
                static (left, right) => left + right).ForEach(static _ => { }).RunAsync(cancellation: Cancellation));
        Assert.Equal(1, failure.Item);
    }

    private static int One(int n) => (10 * n) + 1;

    private static int Two(int n) => (10 * n) + 2;
}
