using Sluice.Testing;
using static Sluice.Pipe;

namespace Sluice.Tests.Pipelines;

/// <summary>Operators in a chain of <c>|</c> do the same as the extension methods.</summary>
public class PipeFormTests
{
    private static readonly RunOptions SingleThread = new() { Mode = ExecutionMode.SingleThread };
    private static readonly Source<int> Numbers = Source.From(Enumerable.Range(1, 10));

    private static bool IsEven(int n) => n % 2 == 0;

    [Fact]
    public async Task OperatorsWithoutAFunctionFitIntoAChain()
    {
        Assert.Equal([3, 4], await (Numbers | Skip(2) | Take(2)).ToListAsync(SingleThread));
        Assert.Equal(["1,2,3,4", "5,6,7,8", "9,10"],
            await (Numbers | Chunk(4) | (chunk => string.Join(',', chunk))).ToListAsync(SingleThread));
        Assert.Equal(["a", "b"], await (Source.From(["a", "b", "a"]) | Distinct()).ToListAsync(SingleThread));
        Assert.Equal(2, (await (Pipe.Of<int>() | Chunk(5)).After(Numbers).ToListAsync(SingleThread)).Count);
    }

    [Fact]
    public async Task OperatorsWithAFunctionFitIntoAChain()
    {
        Assert.Equal([4, 6], await (Numbers | Where<int>(IsEven) | SkipWhile((int n) => n < 3)
            | TakeWhile((int n) => n < 8)).ToListAsync(SingleThread));
        Assert.Equal([1, 3, 6], await (Numbers | Take(3) | Pipe.Scan(0, (int sum, int n) => sum + n)).ToListAsync(SingleThread));
        Assert.Equal([55], await (Numbers | Pipe.Aggregate(0, (int sum, int n) => sum + n)).ToListAsync(SingleThread));
        Assert.Equal([3, 4, 3], await (Numbers | Pipe.GroupBy((int n) => n / 4) | (group => group.Items.Count)).ToListAsync(SingleThread));
    }

    [Fact]
    public async Task TimedOperatorsFollowTheClockOfTheRun()
    {
        var clock = new TestClock();
        var scheduler = new SeededScheduler(1);
        var source = new SourceProbe<int>();
        var sink = new SinkProbe<int>();
        await using PipelineRun run = (source.Source | Debounce(TimeSpan.FromSeconds(1)) | Delay(TimeSpan.FromSeconds(2)) | sink.Sink)
            .Start(new RunOptions { Time = clock, Scheduler = scheduler, Seed = 1 });

        source.Push(1, 2, 3);
        scheduler.RunUntilIdle();
        clock.Advance(TimeSpan.FromSeconds(1));
        scheduler.RunUntilIdle();
        Assert.Empty(sink.Items);
        clock.Advance(TimeSpan.FromSeconds(2));
        scheduler.RunUntilIdle();
        Assert.Equal([3], sink.Items);

        source.Complete();
        await scheduler.RunToEndAsync(run, clock);
    }
}
