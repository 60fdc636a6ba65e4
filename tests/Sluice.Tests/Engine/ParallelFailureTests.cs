using Sluice.Testing;

namespace Sluice.Tests.Engine;

/// <summary>The output of a parallel stage fails while lanes still work.</summary>
public class ParallelFailureTests
{
    private static readonly TimeSpan NothingOutside = TimeSpan.Zero;

    [Fact]
    public async Task AFailureIsNotHeldBackByAnIdleLane()
    {
        for (int seed = 0; seed < 50; seed++)
        {
            var scheduler = new SeededScheduler(seed);
            PipelineRun run = (Source.From([1, 2]).Select(n => n == 0 ? n : throw new FormatException("no"))
                    | Stage.Parallel(2).Unordered)
                .ForEach((int _) => { })
                .Start(new RunOptions { Scheduler = scheduler });
            await Assert.ThrowsAsync<PipelineException>(() => scheduler.RunToEndAsync(run, maxWait: NothingOutside));
        }
    }

    [Fact]
    public async Task AFailureIsNotHeldBackByALaneThatWaitsForRoom()
    {
        for (int seed = 0; seed < 50; seed++)
        {
            var scheduler = new SeededScheduler(seed);
            PipelineRun run = (Source.From([1, 2]).SelectMany(n => Enumerable.Range(0, 3000)) | Stage.Parallel(2))
                .ForEach((int n) => throw new FormatException("no"))
                .Start(new RunOptions { Scheduler = scheduler });
            await Assert.ThrowsAsync<PipelineException>(() => scheduler.RunToEndAsync(run, maxWait: NothingOutside));
        }
    }
}
