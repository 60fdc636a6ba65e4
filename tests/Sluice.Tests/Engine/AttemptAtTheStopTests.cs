using Sluice.Testing;

namespace Sluice.Tests.Engine;

public class AttemptAtTheStopTests
{
    [Fact]
    public async Task ACancelledRunWaitsForAnAttemptThatHasATimeLimit()
    {
        var inside = new TaskCompletionSource();
        var scheduler = new SeededScheduler(1);
        Pipeline pipeline = Source.Range(0, 3).ForEachAsync(async (_, _, _) => await inside.Task) | Stage.Timeout(TimeSpan.FromHours(1));
        await using PipelineRun run = pipeline.Start(new RunOptions { Scheduler = scheduler, Time = new TestClock() });
        scheduler.RunUntilIdle();
        _ = run.CancelAsync();
        scheduler.RunUntilIdle();
        Assert.False(run.Completion.IsCompleted);
        inside.SetResult();
        scheduler.RunUntilIdle();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => run.Completion);
        Assert.Empty(run.StillRunning);
    }
}
