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
    public async Task WithACapacityOfOneAnItemIsComparedWithTheOneBeforeIt()
    {
        List<int> seen = [];
        await Source.From([1, 1, 2, 2, 2, 1, 3, 3, 1]).Distinct(1).ForEach(seen.Add).RunAsync();
        Assert.Equal([1, 2, 1, 3, 1], seen);
    }

    /// <summary>A capacity that is given says how many keys are remembered; the default one may surprise.</summary>
    [Theory, InlineData(65_536, 1), InlineData(1, 0)]
    public async Task ADistinctWarnsOnceThatItForgetsKeysBeyondTheDefaultCapacity(int capacity, int warnings)
    {
        using var listener = new WarningListener();
        string name = $"forgetful-distinct-{capacity}";
        await (Source.Range(0, capacity + 2).Distinct(capacity) | Stage.Named(name)).ForEach(static _ => { }).RunAsync();
        Assert.Equal(warnings,
            listener.Texts.Count(text => text.StartsWith($"'{name}' remembers 65,536 keys", StringComparison.Ordinal)));
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
