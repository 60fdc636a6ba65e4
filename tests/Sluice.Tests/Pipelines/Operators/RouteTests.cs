using Sluice.Diagnostics;

namespace Sluice.Tests.Pipelines.Operators;

public sealed class RouteTests : FunctionOperatorContract<long>
{
    protected override string Kind => "route";

    protected override void AssertCounts(NodeSnapshot node, IReadOnlyList<int> items)
        => Assert.Equal(((long)items.Count, (long)items.Count, 0L), (node.In, node.Out, node.Skipped));

    protected override Source<long> Apply(Source<int> source)
        => source.Route(n => n % 2 == 0 ? "even" : "odd", ("even", s => s.Select(n => n * 2L)), ("odd", s => s.Select(n => -1L * n)));

    protected override Pipe<int, long> Apply(Pipe<int, int> pipe)
        => pipe.Route(n => n % 2 == 0 ? "even" : "odd", ("even", s => s.Select(n => n * 2L)), ("odd", s => s.Select(n => -1L * n)));

    protected override IEnumerable<long> Oracle(IReadOnlyList<int> items) => items.Select(n => n % 2 == 0 ? n * 2L : -1L * n);

    protected override Source<long> Fragile(Source<int> source, Action<int> touch) => source.Route(
        n =>
        {
            touch(n);
            return n % 2 == 0 ? "even" : "odd";
        },
        ("even", s => s.Select(n => n * 2L)), ("odd", s => s.Select(n => -1L * n)));

    [Theory, CombinatorialWiring]
    public async Task AnUnknownBranchFailsTheRunAndNamesTheItem(Wiring wiring)
    {
        static string Kind(int n) => n == 3 ? "prime" : "even";
        List<int> seen = [];
        Pipeline pipeline = Source.From([1, 2, 3, 4]).Route(Kind, ("even", s => s), ("odd", s => s)).ForEach(seen.Add);
        var failure = await Assert.ThrowsAsync<PipelineException>(() => RunAsync(pipeline, wiring));
        Assert.Equal("'Kind' failed on item 3: there is no branch 'prime'. There are: even, odd. Add the branch, or an `otherwise`.",
            failure.Message);
        Assert.Equal(3, failure.Item);
        Assert.Equal([1, 2], seen);
    }

    [Fact]
    public async Task ItemsWithoutABranchGoToOtherwise()
    {
        List<string> seen = [];
        Source<string> routed = Source.From([1, 2, 3])
            .Route(n => $"{n}", otherwise: s => s.Select(n => $"other {n}"), ("2", s => s.Select(n => $"two {n}")));
        Pipe<int, string> pipe = Pipe.Of<int>().Route(n => $"{n}", otherwise: s => s.Select(n => $"other {n}"),
            ("2", s => s.Select(n => $"two {n}")));
        await routed.ForEach(seen.Add).RunAsync();
        await (Source.From([2, 4]) | pipe).ForEach(seen.Add).RunAsync();
        Assert.Equal(["other 1", "two 2", "other 3", "two 2", "other 4"], seen);
    }

    [Fact]
    public void AnEmptyOrAmbiguousRouteIsRefused()
    {
        Source<int> source = Source.From([1]);
        Assert.Throws<ArgumentException>(() => source.Route(n => "a", Array.Empty<(string, Func<Source<int>, Source<int>>)>()));
        var twice = Assert.Throws<ArgumentException>(() => source.Route(n => "a", ("a", s => s), ("a", s => s)));
        Assert.Contains("Two branches are called 'a'", twice.Message, StringComparison.Ordinal);
        var skip = Assert.Throws<InvalidOperationException>(() => source.RoundRobin(s => s) | Stage.OnError(ErrorPolicy.Skip));
        Assert.Contains("a round-robin is not a function", skip.Message, StringComparison.Ordinal);
    }
}
