using Sluice.Topologies;

namespace Sluice.Tests.Pipelines;

/// <summary>Pipelines of thousands of stages in a row, as a loop makes them.</summary>
public class LongPipelineTests
{
    private const int SmallStack = 1 << 19;          // bytes

    [Fact]
    public async Task AThousandStagesInARowRun()
    {
        List<int> seen = [];
        await (Mixed(500) | seen.Add).RunAsync(cancellation: TestContext.Current.CancellationToken);
        Assert.Equal([501, 502], seen);
    }

    /// <remarks>Code that was compiled ahead of time calls the stage before as its last act, and so needs no stack for it. Other code is
    /// refused; without the check, its stack overflows, and ends the process of the tests.</remarks>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void MoreStagesThanTheStackHasRoomForAreRefused(bool areMapsOnly)
    {
        Pipeline pipeline = (areMapsOnly ? Maps(40_000) : Mixed(20_000)) | (static _ => { });
        Exception? refused = null;
        var thread = new Thread(() => refused = Record.Exception(() => pipeline.Topology), SmallStack);
        thread.Start();
        thread.Join();
        if (refused is null) Assert.Equal(40_002, pipeline.Topology.Nodes.Count);
        else
            Assert.StartsWith("The pipeline has too many stages in a row: ", Assert.IsType<InvalidTopologyException>(refused).Message,
                StringComparison.Ordinal);
    }

    // Where and Select take turns, so that they are not fused.
    private static Source<int> Mixed(int pairs)
    {
        Source<int> source = Source.From([1, 2]);
        for (int i = 0; i < pairs; i++) source = source.Select(static n => n + 1).Where(static n => n > 0);
        return source;
    }

    private static Source<int> Maps(int stages)
    {
        Source<int> source = Source.From([1, 2]);
        for (int i = 0; i < stages; i++) source = source.Select(static n => n + 1);
        return source;
    }
}
