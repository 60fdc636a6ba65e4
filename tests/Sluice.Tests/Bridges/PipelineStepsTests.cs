using Sluice.Diagnostics;
using Sluice.Graphs;

namespace Sluice.Tests.Bridges;

/// <summary>A pipeline as a step among others.</summary>
public class PipelineStepsTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task APipeCanBeAStepBetweenTwoSteps()
    {
        Step<int, int[]> numbers = Step.Of((int count) => Enumerable.Range(1, count).ToArray());
        Step<int[], string[]> format = (Pipe.Of<int>() | (n => n * n) | (n => $"{n}")).AsStep();
        Step<string[], string> join = Step.Of((string[] texts) => string.Join(' ', texts));
        await using StepScope scope = StepScope.Begin(cancellation: Cancellation);
        Assert.Equal("1 4 9 16", await join(format(numbers(4))));
        Assert.Equal(["1", "4"], await (Source.From([1, 2]) | (n => $"{n * n}")).AsStep()());
        await scope.Completion;
        Assert.Contains("pipe", scope.Topology.Nodes.Select(node => node.Name));
    }

    [Fact]
    public async Task AFailedRunFailsItsStepAndACancelledStepCancelsTheRun()
    {
        List<int> seen = [];
        Pipeline breaks = Source.From([1, 2, 3]) | (n => n == 2 ? throw new FormatException("no good") : n) | (n => seen.Add(n));
        var failure = await Assert.ThrowsAsync<PipelineException>(async () => await breaks.AsStep()());
        Assert.Equal(2, failure.Item);
        Assert.Equal(3, (await (Source.From([1, 2, 3]) | (_ => { })).AsStep()()).Nodes[0].Out);

        var started = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Pipeline endless = Source.From([1]) | (async (int _, CancellationToken cancellation) =>
        {
            started.SetResult();
            await Task.Delay(Timeout.Infinite, cancellation);
        });
        Future<RunSnapshot> running = endless.AsStep()();
        await started.Task;
        running.Cancel();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await running);
    }
}
