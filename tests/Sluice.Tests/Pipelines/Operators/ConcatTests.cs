using Sluice.Diagnostics;

namespace Sluice.Tests.Pipelines.Operators;

public sealed class ConcatTests : OperatorContract<int>
{
    protected override string Kind => "concat";

    protected override bool HasOneSource => false;

    protected override void AssertCounts(NodeSnapshot node, IReadOnlyList<int> items)
        => Assert.Equal((items.Count + 3L, items.Count + 3L, 0L), (node.In, node.Out, node.Skipped));

    protected override Source<int> Apply(Source<int> source)
        => source.Concat(Source.From([-1, -2]), Source.From<int>([]), Source.From([-3]));

    protected override Pipe<int, int> Apply(Pipe<int, int> pipe)
        => pipe.Concat(Source.From([-1, -2]), Source.From<int>([]), Source.From([-3]));

    protected override IEnumerable<int> Oracle(IReadOnlyList<int> items) => items.Concat([-1, -2, -3]);

    [Theory, CombinatorialWiring]
    public async Task AConcatKeepsTheOrderWhenTheSecondSourceIsFaster(Wiring wiring)
    {
        List<int> seen = [];
        var second = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Source<int> fast = Source.From([1, 2]).Do(_ => second.TrySetResult());
        await RunAsync(Source.From(Slow()).Concat(fast).ForEach(seen.Add), wiring);
        Assert.Equal([0, 1, 2], seen);

        async IAsyncEnumerable<int> Slow()
        {
            await second.Task;                                   // the second source begins before the first emits an item
            yield return 0;
        }
    }

    [Fact]
    public void AConcatWithoutSourcesIsRefused() => Assert.Throws<ArgumentException>(() => Source.Concat<int>());
}
