using Sluice.Graphs;
using Sluice.Testing;

namespace Sluice.Tests.Graphs;

/// <summary>A function that blocks its thread, and returns its value too late.</summary>
public class BlockedThreadTimeoutTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromMilliseconds(80);
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(79, false)]
    [InlineData(80, true)]
    [InlineData(300, true)]
    public async Task ALateValueOfAGraphNodeCountsAsATimeout(int blocked, bool isLate)
    {
        var clock = new TestClock();
        GraphBuilder<int> builder = Graph.For<int>("page");
        GraphNode<int> node = builder.Add("slow", Slow).Timeout(Limit).Optional();
        GraphContext<int> context = await builder.Build(new() { Time = clock }).ResolveAsync(1, Cancellation);
        if (isLate) Assert.Equal("It took longer than 80 ms.", Assert.IsType<TimeoutException>(context.Outcome(node).Exception).Message);
        else Assert.Equal(1, context.Get(node));

        Task<int> Slow(int n, CancellationToken cancellation)
        {
            clock.Advance(TimeSpan.FromMilliseconds(blocked));
            return Task.FromResult(n);
        }
    }

    [Theory]
    [InlineData(79, 0, 1)]
    [InlineData(80, 0, 1)]
    [InlineData(300, 1, 2)]
    public async Task ALateValueOfAStepCountsAsATimeout(int blocked, int retries, int attempts)
    {
        var clock = new TestClock();
        int calls = 0;
        var slow = Step.Of((int n) =>
        {
            // The first attempt only; a retry is in time.
            if (++calls == 1) clock.Advance(TimeSpan.FromMilliseconds(blocked));
            return n;
        }).Named("slow").Timeout(Limit).Retry(retries);
        await using StepScope scope = StepScope.Begin(options: new() { Time = clock });
        Future<int> value = slow(1);
        if (blocked >= 80 && retries == 0)
            Assert.Equal("slow took longer than 80 ms.", (await Assert.ThrowsAsync<TimeoutException>(async () => await value)).Message);
        else Assert.Equal(1, await value);
        Assert.Equal(attempts, calls);
    }

    [Theory]
    [InlineData(79, 0)]
    [InlineData(80, 1)]
    [InlineData(300, 1)]
    public async Task ALateItemOfAStageCountsAsATimeout(int blocked, int dead)
    {
        var clock = new TestClock();
        List<int> seen = [];
        Pipeline pipeline = (Source.From([1, 2]).SelectAsync(Slow) | Stage.Timeout(Limit).OnError(ErrorPolicy.DeadLetter))
            .ForEach(seen.Add);
        await using PipelineRun run = pipeline.Start(new RunOptions { Time = clock });
        await run.Completion.WaitAsync(Cancellation);
        Assert.Equal(dead == 0 ? [1, 2] : [2], seen);
        Assert.Equal(dead, run.DeadLetters.Count);
        Assert.All(run.DeadLetters, letter => Assert.Equal("The attempt took longer than 80 ms.", letter.Exception?.Message));

        ValueTask<int> Slow(int n, CancellationToken cancellation)
        {
            if (n == 1) clock.Advance(TimeSpan.FromMilliseconds(blocked));
            return new(n);
        }
    }
}
