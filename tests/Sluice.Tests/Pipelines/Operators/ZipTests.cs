using Sluice.Diagnostics;

namespace Sluice.Tests.Pipelines.Operators;

public sealed class ZipTests : FunctionOperatorContract<long>
{
    protected override string Kind => "zip";

    protected override int? FirstOutputAfter => 2;

    protected override bool HasOneSource => false;

    protected override void AssertCounts(NodeSnapshot node, IReadOnlyList<int> items)
    {
        Assert.Equal(items.Count, node.Out);
        Assert.Equal(2 * items.Count, node.In - node.Skipped);   // how many unpaired items the longer side emits depends on the wiring
    }

    protected override Source<long> Apply(Source<int> source)
        => source.Zip(Source.From(Enumerable.Range(0, 5000)), (a, b) => a + (b * 10_000L));

    protected override Pipe<int, long> Apply(Pipe<int, int> pipe)
        => pipe.Zip(Source.From(Enumerable.Range(0, 5000)), (a, b) => a + (b * 10_000L));

    protected override IEnumerable<long> Oracle(IReadOnlyList<int> items) => items.Select(n => n * 10_001L);

    protected override Source<long> Fragile(Source<int> source, Action<int> touch) => source.Zip(
        Source.From(Enumerable.Range(0, 5000)),
        (a, b) =>
        {
            touch(a);
            return a + (b * 10_000L);
        });

    [Theory, CombinatorialWiring]
    public async Task AZipEndsWithTheShorterInput(Wiring wiring)
    {
        List<int> seen = [];
        await RunAsync(Source.From(Forever()).Zip(Source.From([1, 2, 3]), (a, b) => a * b).ForEach(seen.Add), wiring);
        await RunAsync(Source.From([1, 2, 3]).Zip(Source.From(Forever()), (a, b) => a * b).ForEach(seen.Add), wiring);
        Assert.Equal([10, 20, 30, 10, 20, 30], seen);

        static IEnumerable<int> Forever()
        {
            while (true) yield return 10;
        }
    }
}
