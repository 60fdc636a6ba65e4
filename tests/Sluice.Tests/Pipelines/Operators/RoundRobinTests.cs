using Sluice.Diagnostics;

namespace Sluice.Tests.Pipelines.Operators;

public sealed class RoundRobinTests : OperatorContract<string>
{
    protected override string Kind => "round-robin";

    protected override void AssertCounts(NodeSnapshot node, IReadOnlyList<int> items)
        => Assert.Equal(((long)items.Count, (long)items.Count, 0L), (node.In, node.Out, node.Skipped));

    protected override Source<string> Apply(Source<int> source)
        => source.RoundRobin(s => s.Select(n => $"{n} a"), s => s.Select(n => $"{n} b"), s => s.Select(n => $"{n} c"));

    protected override Pipe<int, string> Apply(Pipe<int, int> pipe)
        => pipe.RoundRobin(s => s.Select(n => $"{n} a"), s => s.Select(n => $"{n} b"), s => s.Select(n => $"{n} c"));

    protected override IEnumerable<string> Oracle(IReadOnlyList<int> items) => items.Select((n, i) => $"{n} {"abc"[i % 3]}");
}
