using Sluice.Diagnostics;

namespace Sluice.Tests.Pipelines.Operators;

public sealed class DistinctTests : FunctionOperatorContract<int>
{
    protected override string Kind => "distinct";

    protected override void AssertCounts(NodeSnapshot node, IReadOnlyList<int> items)
        => Assert.Equal((items.Count, 10L, items.Count - 10L), (node.In, node.Out, node.Skipped));

    protected override Source<int> Apply(Source<int> source) => source.DistinctBy(n => n % 10);

    protected override Pipe<int, int> Apply(Pipe<int, int> pipe) => pipe.DistinctBy(n => n % 10);

    protected override IEnumerable<int> Oracle(IReadOnlyList<int> items) => items.DistinctBy(n => n % 10);

    protected override Source<int> Fragile(Source<int> source, Action<int> touch) => source.DistinctBy(n =>
    {
        touch(n);
        return n % 10;
    });

    [Fact]
    public async Task ADistinctForgetsTheOldestKeyFirst()
    {
        List<int> seen = [];
        await Source.From([1, 2, 1, 3, 1, 2, 3]).Distinct(capacity: 2).ForEach(seen.Add).RunAsync();
        Assert.Equal([1, 2, 3, 1, 2, 3], seen);      // 3 evicts 1, although 1 was seen again; then 1 evicts 2, and so on
    }

    [Fact]
    public async Task TheComparerDecidesWhichItemsAreEqual()
    {
        List<string> seen = [];
        Pipe<string, string> pipe = Pipe.Of<string>().Distinct(comparer: StringComparer.OrdinalIgnoreCase);
        await (Source.From(["a", "A", "b"]) | pipe).ForEach(seen.Add).RunAsync();
        Assert.Equal(["a", "b"], seen);
        Assert.Throws<ArgumentOutOfRangeException>(() => pipe.Distinct(0));
    }
}
