namespace Sluice.Tests.Flows;

/// <summary>A function that gives up waiting by a token of its own goes on when it has a slot again.</summary>
public class SlotTests
{
    [Fact]
    public async Task WhoGivesUpWaitingForAValueTakesHisSlotAgain()
    {
        await using var lab = new FlowLab();
        Supervisor service = lab.Join(options => options with { Slots = 1 });
        var reader = new Processor("reader") { Inputs = ["x"], Outputs = ["y"] };
        var other = new Processor("other") { Outputs = ["z"] };
        using var patience = new CancellationTokenSource();
        var wentOn = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var isAtWork = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var go = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        service.Register(reader, async (IO<int> x, IOWriter<int> y) =>
        {
            try
            {
                await foreach (int value in x.StreamAsync(patience.Token)) await y.WriteAsync(value);
            }
            catch (OperationCanceledException)
            {
            }
            wentOn.SetResult();
        });
        service.Register(other, async (IOWriter<int> z) =>
        {
            isAtWork.SetResult();
            await go.Task;
            await z.WriteAsync(1);
        });
        await using FlowRun run = await service.StartAsync(Flow.From(reader).Resolve(), [IOVal.Stream("x", OneAsync())], cancellation: FlowLab.Cancellation);
        Assert.Equal(1, await run.Output<int>("y").FirstAsync(FlowLab.Cancellation));
        await using FlowRun another = await service.StartAsync(Flow.From(other).Resolve(), [], cancellation: FlowLab.Cancellation);
        await isAtWork.Task.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);

        try
        {
            await patience.CancelAsync();
            for (int i = 0; i < 10_000 && !wentOn.Task.IsCompleted; i++) await Task.Yield();
            Assert.False(wentOn.Task.IsCompleted);
        }
        finally
        {
            go.SetResult();
        }
        await another.Completion.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
        await wentOn.Task.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
        await run.Completion.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);

        async IAsyncEnumerable<int> OneAsync()
        {
            yield return 1;
            await go.Task;
        }
    }
}
