using Sluice;
using Sluice.Testing;

namespace Worker.Tests;

/// <summary>Tests with virtual time: seconds pass when the test says so.</summary>
public class ItemPipelineTests
{
    [Fact]
    public async Task AnItemThatFailsIsTriedAgainAfterASecond()
    {
        var clock = new TestClock();
        var scheduler = new SeededScheduler(seed: 42);
        var handler = new FailingHandler(failures: 1);
        Pipeline pipeline = ItemPipeline.Build(Source.From([new Item("1", "hello")]), handler);
        await using PipelineRun run = pipeline.Start(new RunOptions { Time = clock, Scheduler = scheduler, Seed = 42 },
            TestContext.Current.CancellationToken);

        scheduler.RunUntilIdle();
        Assert.Equal(1, handler.Calls);

        clock.Advance(TimeSpan.FromSeconds(1));
        scheduler.RunUntilIdle();
        Assert.Equal(2, handler.Calls);

        await scheduler.RunToEndAsync(run, clock);
        Assert.Empty(run.DeadLetters);
    }

    [Fact]
    public async Task AnItemThatAlwaysFailsIsADeadLetter()
    {
        var clock = new TestClock();
        var scheduler = new SeededScheduler(seed: 42);
        var handler = new FailingHandler(failures: int.MaxValue);
        Pipeline pipeline = ItemPipeline.Build(Source.From([new Item("1", "hello")]), handler);
        await using PipelineRun run = pipeline.Start(new RunOptions { Time = clock, Scheduler = scheduler, Seed = 42 },
            TestContext.Current.CancellationToken);

        await scheduler.RunToEndAsync(run, clock);
        Assert.Equal(4, handler.Calls);
        Assert.Single(run.DeadLetters);
    }

    private sealed class FailingHandler(int failures) : IItemHandler
    {
        public int Calls { get; private set; }

        public Task HandleAsync(Item item, CancellationToken cancellation)
            => Calls++ < failures ? throw new InvalidOperationException("not now") : Task.CompletedTask;
    }
}
