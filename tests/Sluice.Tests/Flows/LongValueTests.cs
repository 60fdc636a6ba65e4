using Sluice.Diagnostics;
using Sluice.Flows;
using Sluice.Storage;

namespace Sluice.Tests.Flows;

/// <summary>A processor ends with a value that is too long to share a commit with anything else.</summary>
public class LongValueTests
{
    [Theory]
    [InlineData(ResumeMode.FromScratch)]
    [InlineData(ResumeMode.PerItem)]
    [InlineData(ResumeMode.Checkpoint)]
    public async Task AProcessorMayEndWithAValueLongerThanACommit(ResumeMode resume)
    {
        await using var lab = new FlowLab();
        Supervisor service = lab.Join();
        var total = new Processor("total") { Inputs = ["x"], Outputs = ["sum"], Resume = resume };
        service.Register(total, async (IO<int> x, IOWriter<string> sum) =>
        {
            int count = 0;
            await foreach (int value in x.StreamAsync()) count += value;
            await sum.WriteAsync(new string('*', count));
        });
        await using FlowRun run = await service.StartAsync(Flow.From(total).Resolve(), [IOVal.Of("x", 1 << 20), IOVal.Of("x", 1 << 20)],
            cancellation: FlowLab.Cancellation);
        await run.Completion.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
        Assert.Equal(2 << 20, (await run.Output<string>("sum").FirstAsync(FlowLab.Cancellation)).Length);
    }

    [Fact]
    public async Task TheNextHostReportsACompletionThatADeadHostDidNotReport()
    {
        await using var lab = new FlowLab();
        Supervisor starter = lab.Join();
        var isCommitted = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var never = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var store = new HookedStore(lab.Store)
        {
            AfterCommit = commit =>
            {
                if (commit.Ends.Count == 0) return Task.CompletedTask;
                isCommitted.TrySetResult();
                return never.Task;
            },
        };
        var total = new Processor("total") { Outputs = ["sum"], Resume = ResumeMode.PerItem };
        int begun = 0;
        Supervisor dying = lab.Join(options => options with { Name = "host" }, store);
        dying.Register(total, Write);
        await using FlowRun run = await starter.StartAsync(Flow.From(total).Resolve(), [], cancellation: FlowLab.Cancellation);
        await isCommitted.Task.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
        Assert.Equal(FlowStatus.Running, (await run.GetStatusAsync(FlowLab.Cancellation)).Status);
        Task dead = dying.AbandonAsync();
        never.SetException(new StreamStoreException("Its process has ended, as the test wants."));
        await dead.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);

        lab.Join(options => options with { Name = "host" }).Register(total, Write);
        await run.Completion.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
        Assert.Equal([2 << 20], (await FlowLab.ReadAsync(run.Output<string>("sum"))).Select(value => value.Length));
        Assert.Equal((1, FlowStatus.Completed), (begun, (await run.GetStatusAsync(FlowLab.Cancellation)).Status));
        await lab.UntilAsync("work/total", async () =>
            (await lab.Store.ListStateAsync(FlowNames.Hosts("total"), EntryKey.Of(run.Id).PartitionOf(WorkGroup.Partitions),
            WorkPartition.Node, cancellation: FlowLab.Cancellation)).Count == 0);

        Task<string> Write()
        {
            Interlocked.Increment(ref begun);
            return Task.FromResult(new string('*', 2 << 20));
        }
    }
}
