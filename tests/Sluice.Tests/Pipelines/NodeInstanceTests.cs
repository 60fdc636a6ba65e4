using System.Collections.Concurrent;
using Sluice.Topologies;

namespace Sluice.Tests.Pipelines;

public class NodeInstanceTests
{
    [Fact]
    public async Task ANodeInstanceIsReusedBySuccessiveRunsAndNotDisposed()
    {
        var node = new Counting();
        List<int> seen = [];
        Pipeline pipeline = (Source.From([1, 2]) | node).ForEach(seen.Add);
        await pipeline.RunAsync();
        await pipeline.RunAsync();
        Assert.Equal([1, 2, 3, 4], seen);
        Assert.False(node.IsDisposed);
    }

    [Fact]
    public async Task ANodeFromAFactoryIsDisposedWithItsRun()
    {
        List<Counting> made = [];
        Pipeline pipeline = (Source.From([1]) | StageNode.Of(() =>
        {
            var node = new Counting();
            made.Add(node);
            return node;
        })).ForEach(_ => { });
        await pipeline.RunAsync();
        Assert.Single(made);                                         // the snapshot at the end creates no instance
        await pipeline.RunAsync();
        Assert.Equal(2, made.Count);
        Assert.All(made, node => Assert.True(node.IsDisposed));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task ANodeHasItsNameClockAndStateUntilItIsDisposed(int lanes)
    {
        var totals = new ConcurrentQueue<string>();
        PipelineRun run = (Source.From([1, 2]) | StageNode.Of(static () => new Reporting()) | Stage.Named("reports").Parallel(lanes))
            .ForEach(_ => { }).Start(new RunOptions { State = totals });
        await run.Completion;
        Assert.Equal(Enumerable.Repeat("reports at the end", lanes), totals);
        Assert.True(run.Snapshot()["reports"].Measured.ContainsKey("end"));
    }

    private sealed class Reporting : StageNode<int, int>, IDisposable
    {
        public void Dispose()
        {
            Assert.Same(TimeProvider.System, Clock);
            using (Measure("end")) State<ConcurrentQueue<string>>().Enqueue($"{Name} at the end");
        }

        protected override ValueTask ProcessAsync(int item, Output<int> output, CancellationToken cancellation) => output.PushAsync(item);
    }

    [Fact]
    public void ANodeInstanceInSeveralLanesIsRefused()
    {
        Pipeline pipeline = (Source.From([1]) | new Counting() | Stage.Parallel(2)).ForEach(_ => { });
        var failure = Assert.Throws<InvalidOperationException>(() => _ = pipeline.Start());
        Assert.Contains("Counting", failure.Message, StringComparison.Ordinal);
    }

    /// <summary>Items that enter in the middle, such as redriven letters, have a run of their own: the instance would be in two.</summary>
    [Fact]
    public void ANodeInstanceInAConsecutorIsRefused()
    {
        var failure = Assert.Throws<InvalidTopologyException>(
            () => new Consecutor<int>("work", static source => source | new Counting() | (static _ => { })));
        Assert.Equal(
            "The consecutor work is not valid: The node Counting does not fit into a consecutor: it is one instance, and a consecutor "
                + "needs several, because items that enter in the middle (redriven letters, halves of lists) have a run of their own. "
                + "Give a factory: StageNode.Of(() => new Counting(…)).", failure.Message);
    }

    [Fact]
    public async Task ANodeInstanceIsReusableAfterAFailedStart()
    {
        var node = new Counting();
        Assert.Throws<InvalidOperationException>(() => _ = (Source.From([1]) | node | Stage.Parallel(2)).ForEach(_ => { }).Start());
        Pipeline pipeline = (Source.From([1, 2]) | node).ForEach(_ => { });
        Assert.Throws<InvalidDataException>(() => _ =
            pipeline.Start(new RunOptions { OnStarted = static _ => throw new InvalidDataException("not now") }));
        Assert.Equal(2, (await pipeline.RunAsync())["Counting"].In);
        Assert.False(node.IsDisposed);
    }

    [Fact]
    public async Task AnItemIdConsistsOfSourceNameAndIndex()
    {
        List<string> ids = [];
        Pipeline pipeline = (Source.From(["a", "b"]) | Stage.Named("letters"))
            .SelectMany(letter => new[] { letter, letter })
            | (async (string _, ItemContext item, CancellationToken _) =>
            {
                await Task.Yield();
                ids.Add(item.Id);
            });
        await pipeline.RunAsync();
        Assert.Equal(["letters/0", "letters/0", "letters/1", "letters/1"], ids);
    }

    private sealed class Counting : StageNode<int, int>, IDisposable
    {
        private int count;

        public bool IsDisposed { get; private set; }

        public void Dispose() => IsDisposed = true;

        protected override ValueTask ProcessAsync(int item, Output<int> output, CancellationToken cancellation)
            => output.PushAsync(++count);
    }
}
