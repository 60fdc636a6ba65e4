using Sluice.Diagnostics;

namespace Sluice.Tests.Pipelines.Operators;

public sealed class SkipWhileTests : FunctionOperatorContract<int>
{
    protected override string Kind => "skip-while";

    protected override int? FirstOutputAfter => 56;

    protected override int MostHeld => 70;

    protected override void AssertCounts(NodeSnapshot node, IReadOnlyList<int> items)
        => Assert.Equal((items.Count, items.Count - 55L, 55L), (node.In, node.Out, node.Skipped));

    protected override Source<int> Apply(Source<int> source) => source.SkipWhile(n => n < 55);

    protected override Pipe<int, int> Apply(Pipe<int, int> pipe) => pipe.SkipWhile(n => n < 55);

    protected override IEnumerable<int> Oracle(IReadOnlyList<int> items) => items.SkipWhile(n => n < 55);

    protected override Source<int> Fragile(Source<int> source, Action<int> touch) => source.SkipWhile(n =>
    {
        touch(n);
        return n < 55;
    });
}
