using Sluice.Diagnostics;

namespace Sluice.Tests.Pipelines.Operators;

public sealed class WhereAsyncTests : FunctionOperatorContract<int>
{
    protected override string Kind => "filter";

    protected override void AssertCounts(NodeSnapshot node, IReadOnlyList<int> items)
        => Assert.Equal(((long)items.Count, (items.Count + 1L) / 2, items.Count / 2L), (node.In, node.Out, node.Skipped));

    protected override Source<int> Apply(Source<int> source) => source.WhereAsync(IsEvenAsync);

    protected override Pipe<int, int> Apply(Pipe<int, int> pipe) => pipe.WhereAsync(IsEvenAsync);

    protected override IEnumerable<int> Oracle(IReadOnlyList<int> items) => items.Where(n => n % 2 == 0);

    protected override Source<int> Fragile(Source<int> source, Action<int> touch) => source.WhereAsync(async (n, _) =>
    {
        await Task.Yield();
        touch(n);
        return n % 2 == 0;
    });

    private static async ValueTask<bool> IsEvenAsync(int n, CancellationToken cancellation)
    {
        if (n % 3 == 0) await Task.Yield();
        return n % 2 == 0;
    }
}
