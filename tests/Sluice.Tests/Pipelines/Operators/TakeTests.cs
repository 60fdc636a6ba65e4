using Sluice.Diagnostics;

namespace Sluice.Tests.Pipelines.Operators;

public sealed class TakeTests : OperatorContract<int>
{
    protected override string Kind => "take";

    protected override void AssertCounts(NodeSnapshot node, IReadOnlyList<int> items)
    {
        Assert.Equal(60, node.Out);
        Assert.Equal(node.In, node.Out + node.Skipped);          // how many items were in flight at that moment depends on the wiring
    }

    protected override Source<int> Apply(Source<int> source) => source.Take(60);

    protected override Pipe<int, int> Apply(Pipe<int, int> pipe) => pipe.Take(60);

    protected override IEnumerable<int> Oracle(IReadOnlyList<int> items) => items.Take(60);

    [Theory, CombinatorialWiring(0, 3)]
    public async Task ATakeStopsTheSource(Wiring wiring, int count)
    {
        int produced = 0;
        List<int> seen = [];
        await RunAsync(Source.From(Endless()).Take(count).ForEach(seen.Add), wiring);
        Assert.Equal(Enumerable.Range(0, count), seen);
        Assert.Equal(count, produced);

        IEnumerable<int> Endless()
        {
            while (true) yield return produced++;
        }
    }

    [Theory, CombinatorialWiring]
    public async Task TakeZeroEndsASourceThatWaits(Wiring wiring)
    {
        await RunAsync(Source.From(Never()).Take(0).ForEach(_ => { }), wiring);

        static async IAsyncEnumerable<int> Never(
            [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellation = default)
        {
            await Task.Delay(Timeout.InfiniteTimeSpan, cancellation);
            yield return 1;
        }
    }

    [Theory, CombinatorialWiring]
    public async Task TwoTakesInABranchDoNotStopTheOtherBranch(Wiring wiring)
    {
        List<int> seen = [];
        await RunAsync(Source.From(Enumerable.Range(0, 100)).Broadcast(s => s.Take(3).Take(2).Select(n => -n), s => s).ForEach(seen.Add),
            wiring);
        Assert.Equal([-1, 0, .. Enumerable.Range(0, 100)], seen.Order());
    }

    [Fact]
    public void ANegativeCountIsRefused()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => Source.From([1]).Take(-1));
        Assert.Throws<ArgumentOutOfRangeException>(() => Source.From([1]).Skip(-1));
    }
}
