using Sluice.Diagnostics;

namespace Sluice.Tests.Pipelines.Operators;

public sealed class BroadcastBufferedTests : OperatorContract<long>
{
    protected override string Kind => "broadcast";                   // a broadcast with a name is a node of its own

    protected override bool KeepsOrder => false;

    protected override void AssertCounts(NodeSnapshot node, IReadOnlyList<int> items)
        => Assert.Equal(((long)items.Count, (long)items.Count, 0L), (node.In, node.Out, node.Skipped));

    protected override Source<long> Apply(Source<int> source)
        => source.Broadcast(s => s.Buffer(2).Select(n => n * 2L), s => s.Select(n => -1L - n) | Stage.Buffer(2)) | Stage.Named("both");

    protected override Pipe<int, long> Apply(Pipe<int, int> pipe)
        => pipe.Broadcast(s => s.Buffer(2).Select(n => n * 2L), s => s.Select(n => -1L - n) | Stage.Buffer(2)) | Stage.Named("both");

    protected override IEnumerable<long> Oracle(IReadOnlyList<int> items) => items.SelectMany(n => new[] { n * 2L, -1L - n });
}
