using Sluice.Flows;

namespace Sluice.Tests.Flows;

/// <summary>A run is deleted before a host has begun it, and its id is used again.</summary>
public class ReusedIdTests
{
    private static readonly Processor Work = new("work") { Inputs = ["x"], Outputs = ["y"] };
    private static readonly Flow Working = Flow.From(Work).Resolve();

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public async Task TheLastRunOfAnIdRunsInSpiteOfOldWorkOrders(int deleted)
    {
        await using var lab = new FlowLab();
        Supervisor starter = lab.Join();
        for (int n = 0; n < deleted; n++)
        {
            await using FlowRun earlier = await starter.StartAsync(Working, [IOVal.Of("x", n)], run: "again",
                cancellation: FlowLab.Cancellation);
            await earlier.CancelAsync(cancellation: FlowLab.Cancellation);
            Assert.True(await starter.DeleteAsync("again", FlowLab.Cancellation));
        }
        await using FlowRun run = await starter.StartAsync(Working, [IOVal.Of("x", 100)], run: "again", cancellation: FlowLab.Cancellation);
        lab.Join().Register(Work, StartTests.CopyAsync);

        await run.Completion.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
        Assert.Equal([100], await FlowLab.ReadAsync(run.Output<int>("y")).WaitAsync(FlowLab.Patience, FlowLab.Cancellation));
        await lab.UntilAsync("work/work", async () =>
            (await lab.Store.FindStreamAsync("work/work", FlowLab.Cancellation))!.Groups[0].Outstanding == 0);
    }
}
