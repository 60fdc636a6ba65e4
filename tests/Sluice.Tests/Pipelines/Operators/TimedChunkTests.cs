using Sluice.Testing;

namespace Sluice.Tests.Pipelines.Operators;

public sealed class TimedChunkTests : FunctionOperatorContract<int[]>
{
    private readonly TestClock clock = new();

    protected override string Kind => "chunk";

    protected override int? FirstOutputAfter => 7;

    protected override int MostHeld => 60;

    protected override Source<int[]> Apply(Source<int> source) => source.Chunk(7, within: TimeSpan.FromHours(1));

    protected override Pipe<int, int[]> Apply(Pipe<int, int> pipe) => pipe.Chunk(7, within: TimeSpan.FromHours(1));

    protected override IEnumerable<int[]> Oracle(IReadOnlyList<int> items) => items.Chunk(7);

    protected override Source<int[]> Fragile(Source<int> source, Action<int> touch)
        => source.Chunk(7, within: TimeSpan.FromHours(1), until: n =>
    {
        touch(n);
        return false;
    });

    [Theory]
    [InlineData(ExecutionMode.SingleThread)]
    [InlineData(ExecutionMode.MultiThread)]
    public async Task AChunkIsEmittedWhenItsFirstItemReachesTheTimeLimit(ExecutionMode mode)
    {
        // The first chunk ends by count at 3. Its timer would fire at 11, and must not end the chunk that began at 4.
        List<string> seen = await PlayAsync(mode, 40, source => source.Chunk(3, within: TimeSpan.FromSeconds(10)),
            (1, 1), (2, 2), (3, 3), (4, 4), (12, 5), (20, 6), (29, 7), (32, 8));
        Assert.Equal(["3: 1 2 3", "14: 4 5", "30: 6 7", "32: 8"], seen);
    }

    [Fact]
    public async Task AnItemThatOpensANewChunkRestartsTheTimeLimit()
    {
        List<string> seen = await PlayAsync(ExecutionMode.MultiThread, 40,
            source => source.Chunk(within: TimeSpan.FromSeconds(10), weigh: n => n, maxWeight: 10), (1, 4), (5, 8), (20, 1), (21, 99),
                (40, 1));
        Assert.Equal(["5: 4", "15: 8", "21: 1", "21: 99", "40: 1"], seen);
    }

    [Theory]
    [InlineData(ExecutionMode.SingleThread)]
    [InlineData(ExecutionMode.MultiThread)]
    public async Task ATimedBranchNeverOverlapsAnotherBranch(ExecutionMode mode)
    {
        // At 11 the time limit of one branch expires while the sink is busy with the chunk of the other branch.
        int inside = 0;
        List<string> seen = await PlayAsync(mode, 60, source => source
            .Broadcast(s => s.Chunk(within: TimeSpan.FromSeconds(10)), s => s.Chunk(2))
            .DoAsync(async (_, cancellation) =>
            {
                Assert.Equal(1, ++inside);
                await Task.Delay(TimeSpan.FromSeconds(5), clock, cancellation);
                inside--;
            }), (1, 1), (10, 2), (30, 3));
        Assert.Equal(["15: 1 2", "20: 1 2", "35: 3", "40: 3"], seen);
    }

    [Fact]
    public void AnErrorPolicyOnATimedChunkIsRefused()
    {
        Source<int[]> timed = Source.From([1]).Chunk(until: _ => true, within: TimeSpan.FromSeconds(1));
        var refusal = Assert.Throws<InvalidOperationException>(() => timed | Stage.OnError(ErrorPolicy.Skip));
        Assert.Contains("puts items out when time has passed", refusal.Message, StringComparison.Ordinal);
    }

    /// <summary>Emits items at the given seconds, and returns each output with its second. All work runs on this thread.</summary>
    private async Task<List<string>> PlayAsync(
        ExecutionMode mode, int seconds, Func<Source<int>, Source<int[]>> apply, params (int Second, int Item)[] items)
    {
        var scheduler = new QueueScheduler();
        List<string> seen = [];
        Pipeline pipeline = apply(Source.From(Feed())).ForEach(chunk => seen.Add($"{Now()}: {string.Join(' ', chunk)}"));
        await using PipelineRun run = pipeline.Start(new RunOptions { Mode = mode, Time = clock, Scheduler = scheduler });
        await clock.AdvanceAsync(TimeSpan.FromSeconds(seconds), settle: () =>
        {
            scheduler.RunUntilIdle();
            return Task.CompletedTask;
        });
        await run.Completion;
        return seen;

        int Now() => (int)TimeSpan.FromTicks(clock.GetTimestamp()).TotalSeconds;

        async IAsyncEnumerable<int> Feed()
        {
            foreach (var (second, item) in items)
            {
                await Task.Delay(TimeSpan.FromSeconds(second - Now()), clock);
                yield return item;
            }
        }
    }
}
