namespace Sluice.Tests.Pipelines.Operators;

public sealed class ScanTests : FunctionOperatorContract<long>
{
    protected override string Kind => "scan";

    protected override Source<long> Apply(Source<int> source) => source.Scan(100L, (sum, n) => sum + n);

    protected override Pipe<int, long> Apply(Pipe<int, int> pipe) => pipe.Scan(100L, (sum, n) => sum + n);

    protected override IEnumerable<long> Oracle(IReadOnlyList<int> items) => items.Select((_, i) => 100L + items.Take(i + 1).Sum());

    protected override Source<long> Fragile(Source<int> source, Action<int> touch) => source.Scan(100L, (sum, n) =>
    {
        touch(n);
        return sum + n;
    });

    [Fact]
    public async Task AFailedItemDoesNotChangeTheState()
    {
        List<int> seen = [];
        Source<int> sums = Source.From([1, 2, 3]).Scan(0, (sum, n) => n == 2 ? throw new FormatException() : sum + n)
            | Stage.OnError(ErrorPolicy.Skip);
        await sums.ForEach(seen.Add).RunAsync();
        Assert.Equal([1, 4], seen);
    }
}
