using Sluice.Flows;
using Sluice.Testing;

namespace Sluice.Tests.Flows;

/// <summary>A processor that another host runs now.</summary>
public class TakenOverTests
{
    private static readonly Processor Work = new("work") { Inputs = ["x"], Outputs = ["y"] };

    /// <remarks>The log said that the function had failed, and told to mend it.</remarks>
    [Fact]
    public async Task AProcessorThatWasTakenOverHasNotFailed()
    {
        var clock = new TestClock();
        await using var lab = new FlowLab(new MemoryStreamStore(clock));
        Supervisor service = lab.Join(options => options with
        {
            Time = clock,
            LeaseDuration = TimeSpan.FromSeconds(3),
            RunRetentionDuration = Timeout.InfiniteTimeSpan,
            ResultRetentionDuration = TimeSpan.FromDays(365)         // the clock runs ahead of the service
        });
        var go = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var begun = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        service.Register(Work, async (IO<int> x, IOWriter<int> y, CancellationToken cancellation) =>
        {
            await y.WriteAsync(await x.FirstAsync(cancellation), cancellation);
            begun.TrySetResult();
            await go.Task;
            await y.WriteAsync(2, cancellation);
        });
        await using FlowRun run = await service.StartAsync(Flow.From(Work).Resolve(), [IOVal.Of("x", 1)],
            cancellation: FlowLab.Cancellation);
        await begun.Task.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
        await lab.Store.OpenProducerAsync(FlowNames.Values(run.Id, "y"), "work", FlowLab.Cancellation);          // as another host does
        go.SetResult();
        while (!run.Completion.IsCompleted)
        {
            clock.Advance(TimeSpan.FromMilliseconds(500));
            await Task.Yield();
        }
        await run.Completion;
        Assert.DoesNotContain(lab.Warnings, static text => text.Contains("has failed", StringComparison.Ordinal));
    }
}
