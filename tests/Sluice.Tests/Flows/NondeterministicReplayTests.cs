using Sluice.Flows;

namespace Sluice.Tests.Flows;

/// <summary>If a replay writes other values, every caller that waits for the run gets a NondeterministicReplayException.</summary>
public class NondeterministicReplayTests
{
    [Fact]
    public async Task CompletionAndReadersThrowTheNondeterministicReplayException()
    {
        await using var lab = new FlowLab();
        Processor work = new("work") { Inputs = ["x"], Outputs = ["y"] }, next = new("next") { Inputs = ["y"], Outputs = ["z"] };
        Supervisor first = lab.Join(), starter = lab.Join();
        var hasRead = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        first.Register(work, async (IOWriter<int> y, CancellationToken cancellation) =>
        {
            await y.WriteAsync(1, cancellation);
            await Task.Delay(Timeout.Infinite, cancellation);
        });
        starter.Register(next, async (IO<int> y, IOWriter<int> z) =>
        {
            await foreach (int value in y.StreamAsync())
            {
                await z.WriteAsync(value);
                hasRead.TrySetResult();
            }
        });
        await using FlowRun run = await starter.StartAsync(Flow.From(work, next).Resolve(), [IOVal.Of("x", 1)],
            cancellation: FlowLab.Cancellation);
        await hasRead.Task.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
        await first.DisposeAsync();
        lab.Join().Register(work, async (IOWriter<int> y) => await y.WriteAsync(2));

        var ended = await Assert.ThrowsAsync<NondeterministicReplayException>(() => run.Completion.WaitAsync(FlowLab.Patience,
            FlowLab.Cancellation));
        Assert.Equal(("work", run.Id), (ended.Processor, ended.Run));
        var read = await Assert.ThrowsAsync<NondeterministicReplayException>(() => FlowLab.ReadAsync(run.Output<int>("z")));
        Assert.Equal("work", read.Processor);
        Assert.Contains("was repeated after its host had gone, and did not put out the same to y", read.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AnAttemptAfterAFailureIsNamedAsTheCause()
    {
        await using var lab = new FlowLab();
        Processor work = new("work") { Outputs = ["y"], Retry = new ProcessorRetry(2) { Delay = TimeSpan.FromMilliseconds(1) } };
        Supervisor service = lab.Join();
        service.Register(work, async (ProcessorContext context, IOWriter<int> y) =>
        {
            await y.WriteAsync(context.Attempt);
            throw new IOException("no paper");
        });
        await using FlowRun run = await service.StartAsync(Flow.From(work).Resolve(), [], cancellation: FlowLab.Cancellation);

        var ended = await Assert.ThrowsAsync<NondeterministicReplayException>(() => run.Completion.WaitAsync(FlowLab.Patience,
            FlowLab.Cancellation));
        Assert.Contains("The processor work was repeated in attempt 2, after it had failed, and did not put out the same to y: the values "
            + "are not the same.", ended.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("host", ended.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(1, 0, "after its host had gone")]
    [InlineData(2, 0, "after its host had gone")]
    [InlineData(1, 2, "in attempt 3, after it had failed")]
    [InlineData(3, 1, "in attempt 2, after it had failed and its host had gone")]
    public void TheCauseHasAttemptsAndLostHosts(int starts, int failures, string cause)
        => Assert.Equal(cause, NumberedOutput.CauseOf(new("r", "", starts, false, [], null) { Failures = failures }));
}
