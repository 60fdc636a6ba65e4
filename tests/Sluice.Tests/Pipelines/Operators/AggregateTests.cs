namespace Sluice.Tests.Pipelines.Operators;

public sealed class AggregateTests : FunctionOperatorContract<string>
{
    protected override string Kind => "aggregate";

    protected override int? FirstOutputAfter => null;

    protected override Source<string> Apply(Source<int> source) => source.Aggregate(0, (sum, n) => sum + n, sum => $"sum {sum}");

    protected override Pipe<int, string> Apply(Pipe<int, int> pipe) => pipe.Aggregate(0, (sum, n) => sum + n, sum => $"sum {sum}");

    protected override IEnumerable<string> Oracle(IReadOnlyList<int> items) => [$"sum {items.Sum()}"];

    protected override Source<string> Fragile(Source<int> source, Action<int> touch) => source.Aggregate(
        0,
        (sum, n) =>
        {
            touch(n);
            return sum + n;
        },
        sum => $"sum {sum}");

    [Fact]
    public async Task WithoutASelectorTheStateIsTheResult()
    {
        List<int> seen = [];
        await Source.From([1, 2, 3]).Aggregate(10, (sum, n) => sum + n).ForEach(seen.Add).RunAsync();
        await (Source.From([4]) | Pipe.Of<int>().Aggregate(10, (sum, n) => sum + n)).ForEach(seen.Add).RunAsync();
        Assert.Equal([16, 14], seen);
    }

    [Fact]
    public async Task AFailureOfTheSelectorNamesTheNode()
    {
        static int Broken(int sum) => throw new FormatException("no result");
        Source<int> sum = Source.From([1]).Aggregate(0, (sum, n) => sum + n, Broken) | Stage.Named("total");
        var failure = await Assert.ThrowsAsync<PipelineException>(() => sum.ForEach(_ => { }).RunAsync());
        Assert.Equal("'total' failed: no result", failure.Message);
    }

    [Fact]
    public void AnAggregateRefusesLanes()
    {
        var refusal = Assert.Throws<InvalidOperationException>(() => Source.From([1]).Aggregate(0, (sum, n) => sum + n)
            | Stage.Parallel(2));
        Assert.Contains("remembers the result so far", refusal.Message, StringComparison.Ordinal);
    }
}
