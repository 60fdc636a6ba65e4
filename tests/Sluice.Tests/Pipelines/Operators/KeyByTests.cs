namespace Sluice.Tests.Pipelines.Operators;

public sealed class KeyByTests : FunctionOperatorContract<long>
{
    protected override string Kind => "map";

    protected override bool KeepsOrder => false;

    protected override int MostHeld => 100;

    protected override Source<long> Apply(Source<int> source)
        => (source | Stage.KeyBy((int n) => n % 10, lanes: 3)).SelectAsync(ParallelTests.TwiceAsync);

    protected override Pipe<int, long> Apply(Pipe<int, int> pipe)
        => (pipe | Stage.KeyBy((int n) => n % 10, lanes: 3)).SelectAsync(ParallelTests.TwiceAsync);

    protected override IEnumerable<long> Oracle(IReadOnlyList<int> items) => items.Select(n => n * 2L);

    protected override Source<long> Fragile(Source<int> source, Action<int> touch)
        => (source | Stage.KeyBy((int n) => n % 10, lanes: 3)).Select(n =>
    {
        touch(n);
        return n * 2L;
    });

    [Theory, CombinatorialWiring]
    public async Task ItemsOfOneKeyKeepTheirOrderAndNeverOverlap(Wiring wiring)
    {
        const int Keys = 50;
        int[] inside = new int[Keys];
        List<int> seen = [];
        Source<int> lanes = (Source.From(Enumerable.Range(0, 5000))
            | Stage.KeyBy((int n) => n % Keys, lanes: 4)).SelectAsync(async (n, _) =>
        {
            Assert.Equal(1, Interlocked.Increment(ref inside[n % Keys]));
            if (n % 3 == 0) await Task.Yield();
            Interlocked.Decrement(ref inside[n % Keys]);
            return n;
        });
        await RunAsync(lanes.ForEach(seen.Add), wiring);
        Assert.Equal(5000, seen.Count);
        Assert.All(seen.GroupBy(n => n % Keys), key => Assert.Equal(key.Order(), key));
    }

    [Theory, CombinatorialWiring]
    public async Task EveryKeyHasItsOwnState(Wiring wiring)
    {
        List<int> seen = [];
        Source<int> counts = (Source.From(Enumerable.Range(0, 100)) | Stage.KeyBy((int n) => n % 20, lanes: 3)).Aggregate(0,
            (count, _) => count + 1);
        await RunAsync(counts.ForEach(seen.Add), wiring);
        Assert.Equal(Enumerable.Repeat(5, 20), seen);
    }
}
