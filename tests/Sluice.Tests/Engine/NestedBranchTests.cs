using Sluice.Testing;

namespace Sluice.Tests.Engine;

/// <summary>Where branches merge, only one branch at a time calls the next stage.</summary>
public class NestedBranchTests
{
    [Fact]
    public async Task ABranchWithABufferedFanOutNeverOverlapsAnotherBranch()
        => Assert.Equal(1, await MostInsideAsync(source => source.Broadcast(
            branch => branch,
            branch => branch.Broadcast(inner => inner) | Stage.Buffer(4))));

    [Fact]
    public async Task ABranchWithASourceOfItsOwnNeverOverlapsAnotherBranch()
        => Assert.Equal(1, await MostInsideAsync(source => source.Broadcast(
            branch => branch.Merge(Source.From([1, 2, 3])),
            branch => branch.Merge(Source.From([4, 5, 6])))));

    /// <summary>The largest number of calls inside the next stage at once, over many interleavings and in single-thread mode.</summary>
    private static async Task<int> MostInsideAsync(Func<Source<int>, Source<int>> branches)
    {
        int inside = 0, most = 0;
        Pipeline pipeline = branches(Source.From([1, 2, 3, 4])).SelectAsync(async (n, _) =>
        {
            most = Math.Max(most, ++inside);
            await Task.Yield();
            inside--;
            return n;
        }).ForEach(_ => { });
        await pipeline.RunAsync(new RunOptions { Mode = ExecutionMode.SingleThread });
        for (int seed = 0; seed < 50; seed++)
        {
            var scheduler = new SeededScheduler(seed);
            await scheduler.RunToEndAsync(pipeline.Start(new RunOptions { Scheduler = scheduler }), maxWait: TimeSpan.Zero);
        }
        return most;
    }
}
