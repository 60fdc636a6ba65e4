using Sluice.Flows;
using Sluice.Topologies;

namespace Sluice.Tests.Flows;

/// <summary>One commit starts a run, which limits the number of its processors.</summary>
public class LargeFlowTests
{
    [Fact]
    public async Task AFlowThatIsTooLargeIsRefusedBeforeAnythingIsStored()
    {
        await using var lab = new FlowLab();
        Supervisor service = lab.Join();
        var mistake = await Assert.ThrowsAsync<InvalidTopologyException>(() => service.StartAsync(Chain(250),
            [IOVal.Of("s0", 1)], cancellation: FlowLab.Cancellation));
        Assert.Equal(
            "The flow is too large to be started: one commit starts a run, and for 250 processors with 250 inputs it has a weight of "
                + "1,158; the limit is 1,000. Divide the flow into several, each of which is started with the results of another one.",
            Assert.Single(mistake.Problems));
        Assert.Empty(await lab.Store.ListStreamsAsync("flow", FlowLab.Cancellation));
        Assert.Empty(await lab.Store.ListStreamsAsync("work/", FlowLab.Cancellation));
    }

    [Fact]
    public async Task AFlowOfTwoHundredProcessorsIsStarted()
    {
        await using var lab = new FlowLab();
        await using FlowRun run = await lab.Join().StartAsync(Chain(200), [IOVal.Of("s0", 1)], cancellation: FlowLab.Cancellation);
        Assert.Equal(200, (await run.GetStatusAsync(FlowLab.Cancellation)).Processors.Count);
    }

    private static Flow Chain(int processors) => Flow.From(Enumerable.Range(0, processors)
        .Select(n => new Processor($"p{n}") { Inputs = [$"s{n}"], Outputs = [$"s{n + 1}"] })).Resolve();
}
