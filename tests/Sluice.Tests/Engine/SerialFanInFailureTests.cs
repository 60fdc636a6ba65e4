using Sluice.Testing;

namespace Sluice.Tests.Engine;

public class SerialFanInFailureTests
{
    [Fact]
    public async Task TheSinkOfAMergeGetsNoItemAfterAFailedItem()
    {
        for (int seed = 0; seed < 50; seed++)
        {
            bool failed = false;
            int after = 0;
            async ValueTask TakeAsync(int n)
            {
                if (failed) after++;
                await Task.Yield();
                if (n != 3) return;
                failed = true;
                throw new FormatException("three");
            }
            var scheduler = new SeededScheduler(seed);
            PipelineRun run = Source.From([1, 2, 3, 4]).Merge(Source.From([5, 6, 7, 8]))
                .ForEachAsync((n, _, _) => TakeAsync(n))
                .Start(new RunOptions { Mode = ExecutionMode.SingleThread, Scheduler = scheduler });
            var failure = await Assert.ThrowsAsync<PipelineException>(() => scheduler.RunToEndAsync(run, maxWait: TimeSpan.Zero));
            Assert.Equal(3, failure.Item);
            Assert.Equal(0, after);
        }
    }
}
