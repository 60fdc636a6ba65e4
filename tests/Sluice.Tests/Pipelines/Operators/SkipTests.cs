using Sluice.Diagnostics;

namespace Sluice.Tests.Pipelines.Operators;

public sealed class SkipTests : OperatorContract<int>
{
    protected override string Kind => "skip";

    protected override int? FirstOutputAfter => 11;

    protected override void AssertCounts(NodeSnapshot node, IReadOnlyList<int> items)
        => Assert.Equal((items.Count, items.Count - 10L, 10L), (node.In, node.Out, node.Skipped));

    protected override Source<int> Apply(Source<int> source) => source.Skip(10);

    protected override Pipe<int, int> Apply(Pipe<int, int> pipe) => pipe.Skip(10);

    protected override IEnumerable<int> Oracle(IReadOnlyList<int> items) => items.Skip(10);
}
