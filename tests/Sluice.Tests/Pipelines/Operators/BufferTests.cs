namespace Sluice.Tests.Pipelines.Operators;

public sealed class BufferTests : OperatorContract<int>
{
    protected override string Kind => "buffer";

    protected override Source<int> Apply(Source<int> source) => source.Broadcast(s => s.Buffer(4));

    protected override Pipe<int, int> Apply(Pipe<int, int> pipe) => pipe.Broadcast(s => s.Buffer(4));

    protected override IEnumerable<int> Oracle(IReadOnlyList<int> items) => items;

    [Fact]
    public async Task ABufferBehindAStageAnnotatesTheStage()
    {
        Source<int> doubled = Source.From([1, 2]).Select(n => n * 2).Buffer(4);
        List<int> seen = [];
        Pipeline pipeline = doubled.ForEach(seen.Add);
        await pipeline.RunAsync();
        Assert.Equal([2, 4], seen);
        Assert.Equal(["source", "map", "sink"], pipeline.Topology.Nodes.Select(node => node.Kind));
        Assert.Contains("buffer 4", pipeline.Topology.Nodes[1].Details);
        Assert.Throws<ArgumentOutOfRangeException>(() => doubled.Buffer(0));
    }
}
