using Sluice.Scheduling;
using Sluice.Testing;

namespace Sluice.Tests.Engine;

/// <summary>Each lane of a blocking stage has a thread of its own from the start.</summary>
public class BlockingLaneTests
{
    [Theory]
    [InlineData(64)]
    [InlineData(1)]
    public async Task EachLaneOfABlockingStageHasAThreadOfItsOwn(int lanes)
    {
        using var together = new CountdownEvent(lanes);
        List<int> seen = [];
        bool isPool = false;
        Pipeline pipeline = (Source.From(Enumerable.Range(0, lanes)) | (n =>
        {
            isPool |= Thread.CurrentThread.IsThreadPoolThread;
            together.Signal();
            together.Wait();                         // until all lanes are here
            return n;
        }) | Stage.Parallel(lanes).Blocking()).ForEach(seen.Add);
        await pipeline.RunAsync();
        Assert.Equal(Enumerable.Range(0, lanes), seen);
        Assert.False(isPool);
        Assert.Contains("blocking", pipeline.Topology.ToText());
    }

    /// <remarks>A container has a limit of threads. The work that got no thread was lost, and the run waited for it without end. Later it
    /// had all threads of the pool, and waited without end for continuations that need one.</remarks>
    [Theory]
    [InlineData(0)]
    [InlineData(3)]
    public async Task WithoutMoreThreadsTheWorkWaitsForAThread(int threads)
    {
        int left = threads, inPool = 0, mostInPool = 0;
        var scheduler = new BlockingThreads(thread =>
        {
            if (Interlocked.Decrement(ref left) < 0) throw new OutOfMemoryException();
            thread.UnsafeStart();
        });
        List<int> seen = [];
        await (Source.From(Enumerable.Range(0, 1000)) | (n =>
        {
            if (!Thread.CurrentThread.IsThreadPoolThread) return n;
            int now = Interlocked.Increment(ref inPool);
            if (now > mostInPool) mostInPool = now;
            Thread.Yield();
            Interlocked.Decrement(ref inPool);
            return n;
        }) | Stage.Parallel(8).Blocking()).ForEach(seen.Add).RunAsync(new RunOptions { Scheduler = scheduler });
        Assert.Equal(Enumerable.Range(0, 1000), seen);
        Assert.Equal(threads == 0 ? 1 : 0, mostInPool);
    }

    [Fact]
    public async Task BlockingLanesUseTheSchedulerOfTheRun()
    {
        int thread = Environment.CurrentManagedThreadId;
        var scheduler = new SeededScheduler(3);
        PipelineRun run = (Source.From([1, 2, 3]) | (n => Environment.CurrentManagedThreadId == thread ? n
            : throw new InvalidOperationException("another thread")) | Stage.Parallel(4).Blocking())
            .ForEach(static _ => { }).Start(new RunOptions { Scheduler = scheduler });
        await scheduler.RunToEndAsync(run);
    }

    [Fact]
    public void BlockingIsRefusedOnAStatefulStage()
        => Assert.Contains("Blocking() does not fit",
        Assert.Throws<InvalidOperationException>(static () => _ = Source.From([1]).Distinct() | Stage.Blocking()).Message);
}
