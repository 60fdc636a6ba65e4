using Sluice.Diagnostics;

namespace Sluice.Tests.Pipelines.Operators;

public sealed class WhereTests : FunctionOperatorContract<int>
{
    protected override string Kind => "filter";

    protected override void AssertCounts(NodeSnapshot node, IReadOnlyList<int> items)
        => Assert.Equal(((long)items.Count, (items.Count + 1L) / 2, items.Count / 2L), (node.In, node.Out, node.Skipped));

    protected override Source<int> Apply(Source<int> source) => source.Where(n => n % 2 == 0);

    protected override Pipe<int, int> Apply(Pipe<int, int> pipe) => pipe.Where(n => n % 2 == 0);

    protected override IEnumerable<int> Oracle(IReadOnlyList<int> items) => items.Where(n => n % 2 == 0);

    protected override Source<int> Fragile(Source<int> source, Action<int> touch) => source.Where(n =>
    {
        touch(n);
        return n % 2 == 0;
    });
}
