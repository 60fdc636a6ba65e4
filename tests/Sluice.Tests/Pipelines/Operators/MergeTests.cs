using Sluice.Diagnostics;

namespace Sluice.Tests.Pipelines.Operators;

public sealed class MergeTests : OperatorContract<int>
{
    protected override string Kind => "merge";

    protected override bool KeepsOrder => false;

    protected override bool HasOneSource => false;

    protected override void AssertCounts(NodeSnapshot node, IReadOnlyList<int> items)
        => Assert.Equal((items.Count + 20L, items.Count + 20L, 0L), (node.In, node.Out, node.Skipped));

    protected override Source<int> Apply(Source<int> source) => source.Merge(Source.From(Enumerable.Range(-20, 20)));

    protected override Pipe<int, int> Apply(Pipe<int, int> pipe) => pipe.Merge(Source.From(Enumerable.Range(-20, 20)));

    protected override IEnumerable<int> Oracle(IReadOnlyList<int> items) => items.Concat(Enumerable.Range(-20, 20));

    [Theory, CombinatorialWiring]
    public async Task ItemsOfOneSourceKeepTheirOrder(Wiring wiring)
    {
        List<int> seen = [];
        await RunAsync(Source.Merge(Source.From(Enumerable.Range(0, 500)), Source.From(Enumerable.Range(1000, 500))).ForEach(seen.Add),
            wiring);
        Assert.Equal(Enumerable.Range(0, 500), seen.Where(n => n < 1000));
        Assert.Equal(Enumerable.Range(1000, 500), seen.Where(n => n >= 1000));
    }
}
