using Sluice.Flows;
using Sluice.Storage;

namespace Sluice.Tests.Flows;

/// <summary>A function has returned, and a task that it has left behind reads on.</summary>
public class UnawaitedReadTests
{
    [Theory]
    [InlineData(ResumeMode.PerItem)]
    [InlineData(ResumeMode.Checkpoint)]
    public async Task ATaskLeftBehindFailsAndStoresNothing(ResumeMode resume)
    {
        await using var lab = new FlowLab();
        Supervisor service = lab.Join();
        var work = new Processor("work") { Inputs = ["x"], Resume = resume };
        var go = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Task behind = Task.CompletedTask;
        service.Register(work, (ProcessorFunction)((context, cancellation) => ReadAsync(context)));
        await using FlowRun run = await service.StartAsync(Flow.From(work).Resolve(),
            [IOVal.Of("x", 1), IOVal.Of("x", 2), IOVal.Of("x", 3)], cancellation: FlowLab.Cancellation);
        await run.Completion.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
        await lab.UntilAsync("work/work", async () => await RowsAsync() == 0);

        go.SetResult();
        Exception? told = await Record.ExceptionAsync(() => behind.WaitAsync(FlowLab.Patience, FlowLab.Cancellation));
        Assert.Equal(0, await RowsAsync());
        Assert.StartsWith("The function of the processor work has returned, and something that it has left behind",
            Assert.IsType<FlowException>(told).Message, StringComparison.Ordinal);
        Assert.True(await service.DeleteAsync(run.Id, FlowLab.Cancellation));

        async Task<int> RowsAsync() => (await lab.Store.ListStateAsync(FlowNames.Hosts("work"),
            EntryKey.Of(run.Id).PartitionOf(WorkGroup.Partitions), WorkPartition.Node, cancellation: FlowLab.Cancellation)).Count;

        async IAsyncEnumerable<IOVal> ReadAsync(ProcessorContext context)
        {
            IAsyncEnumerator<int> values = context.Input<int>("x").StreamAsync().GetAsyncEnumerator();
            await values.MoveNextAsync();
            behind = ReadOnAsync();
            yield break;

            async Task ReadOnAsync()
            {
                await go.Task;
                if (resume == ResumeMode.Checkpoint) await context.Checkpoint<int>().SaveAsync(1);
                while (await values.MoveNextAsync())
                {
                }
            }
        }
    }

    /// <summary>Nobody would close the gate that the read opens, and the writer of the stream would wait for it.</summary>
    [Fact]
    public async Task AReadThatBeginsAfterTheFunctionHasReturnedFailsAndOpensNoGate()
    {
        await using var lab = new FlowLab();
        Supervisor service = lab.Join();
        var work = new Processor("work") { Inputs = ["x"] };
        var go = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Task behind = Task.CompletedTask;
        service.Register(work, async (IO<int> x, CancellationToken cancellation) =>
        {
            await x.FirstAsync(cancellation);
            behind = ReadAsync(x);
        });
        await using FlowRun run = await service.StartAsync(Flow.From(work).Resolve(), [IOVal.Of("x", 1), IOVal.Of("x", 2)],
            cancellation: FlowLab.Cancellation);
        await run.Completion.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);

        go.SetResult();
        var told = await Assert.ThrowsAsync<FlowException>(() => behind.WaitAsync(FlowLab.Patience, FlowLab.Cancellation));
        Assert.StartsWith("The function of the processor work has ended, and code that it has left behind reads x.", told.Message,
            StringComparison.Ordinal);
        StreamInfo? stream = await lab.Store.FindStreamAsync(FlowNames.Values(run.Id, "x"), FlowLab.Cancellation);
        Assert.DoesNotContain(stream?.Readers ?? [], static reader => reader.Options.AppliesBackpressure);

        async Task ReadAsync(IO<int> x)
        {
            await go.Task;
            await x.FirstAsync(FlowLab.Cancellation);
        }
    }
}
