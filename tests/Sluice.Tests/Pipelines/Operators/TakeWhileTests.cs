using Sluice.Diagnostics;

namespace Sluice.Tests.Pipelines.Operators;

public sealed class TakeWhileTests : FunctionOperatorContract<int>
{
    protected override string Kind => "take-while";

    protected override void AssertCounts(NodeSnapshot node, IReadOnlyList<int> items)
    {
        Assert.Equal(60, node.Out);
        Assert.Equal(node.In, node.Out + node.Skipped);          // how many items were in flight at that moment depends on the wiring
    }

    protected override Source<int> Apply(Source<int> source) => source.TakeWhile(n => n < 60);

    protected override Pipe<int, int> Apply(Pipe<int, int> pipe) => pipe.TakeWhile(n => n < 60);

    protected override IEnumerable<int> Oracle(IReadOnlyList<int> items) => items.TakeWhile(n => n < 60);

    protected override Source<int> Fragile(Source<int> source, Action<int> touch) => source.TakeWhile(n =>
    {
        touch(n);
        return n < 60;
    });

    [Fact]
    public async Task ItemsAfterTheFirstMismatchAreNotProcessed()
    {
        List<int> seen = [];
        int[] items = [1, 2, 9, 1];
        RunSnapshot end = await Source.From(items).SelectMany(n => new[] { n, n }).TakeWhile(n => n < 5).ForEach(seen.Add).RunAsync();
        Assert.Equal([1, 1, 2, 2], seen);
        Assert.Equal(1, end["take-while-1"].Skipped);
    }
}
