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
        await (Of(1000) | seen.Add).RunAsync(cancellation: TestContext.Current.CancellationToken);
        Assert.Equal([1001, 1002], seen);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void MoreStagesThanTheStackHasRoomForAreRefused(bool isDrawn)
    {
        Pipeline pipeline = Of(20_000) | (static _ => { });
        Exception? refused = null;
        var thread = new Thread(() => refused = Record.Exception(Build), SmallStack);
        thread.Start();
        thread.Join();
        Assert.Matches(@"^The pipeline has too many stages in a row: the stack has room for [\d,]+\. Put steps",
            Assert.IsType<InvalidTopologyException>(refused).Message);

        void Build()
        {
            PipelineRun? run = null;
            if (isDrawn) _ = pipeline.Topology;
            else run = pipeline.Start();
            Assert.Null(run);
        }
    }

    // Where and Select take turns, so that they are not fused.
    private static Source<int> Of(int stages)
    {
        Source<int> source = Source.From([1, 2]);
        for (int i = 0; i < stages; i++) source = source.Select(static n => n + 1).Where(static n => n > 0);
        return source;
    }
}
