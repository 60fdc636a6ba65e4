using Sluice.Diagnostics;
using Sluice.Tests.Delivery.Traces;

namespace Sluice.Tests.Engine;

/// <summary>Most callers of <see cref="Pipeline.RunAsync"/> do not look at the nodes, so they are put together when they are read.</summary>
[Collection(SpanTests.Name)]                         // a listener to metrics reads the nodes of each run
public class FinalNodesTests
{
    [Fact]
    public async Task TheNodesOfACompletedRunAreMadeWhenTheyAreRead()
    {
        _ = (await RunAsync()).Nodes.Count;          // what is made once
        (RunSnapshot snapshot, long run) = await MeasureAsync();
        long before = GC.GetAllocatedBytesForCurrentThread();
        int nodes = snapshot.Nodes.Count;
        long made = GC.GetAllocatedBytesForCurrentThread() - before;
        Assert.Equal(12, nodes);
        Assert.True(made > run, $"{run} bytes for the run, {made} for its nodes: they were made before they were read.");
        Assert.Same(snapshot.Nodes[0], snapshot.Nodes[0]);
    }

    [Fact]
    public async Task ThreadsThatReadThemTogetherSeeTheSame()
    {
        RunSnapshot snapshot = await RunAsync();
        using var together = new Barrier(4);
        List<(string, long, long)>[] seen = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Factory.StartNew(() =>
        {
            together.SignalAndWait(TestContext.Current.CancellationToken);
            return snapshot.Nodes.Select(static node => (node.Name, node.In, node.Out)).ToList();
        }, TestContext.Current.CancellationToken, TaskCreationOptions.LongRunning, TaskScheduler.Default)));
        Assert.Equal(12, seen[0].Count);
        Assert.Equal(("map-1", 1, 1), seen[0][1]);
        Assert.All(seen, other => Assert.Equal(seen[0], other));
    }

    private static async Task<(RunSnapshot Snapshot, long Bytes)> MeasureAsync()
    {
        long before = GC.GetAllocatedBytesForCurrentThread();
        Task<RunSnapshot> running = RunAsync();
        Assert.True(running.IsCompleted);            // on this thread
        long bytes = GC.GetAllocatedBytesForCurrentThread() - before;
        return (await running, bytes);
    }

    private static Task<RunSnapshot> RunAsync()
    {
        Source<int> numbers = Source.From([1]);
        for (int i = 0; i < 10; i++) numbers = numbers | (static n => n + 1);
        return (numbers | (static _ => { })).RunAsync(new RunOptions { Mode = ExecutionMode.SingleThread });
    }
}
