using Sluice.Flows;

namespace Sluice.Tests.Flows;

/// <summary>A start that a newer program repeats, with the same values of a changed type.</summary>
public class ChangedInputTests
{
    /// <summary>A new member changes the bytes of the same values.</summary>
    [Fact]
    public async Task ARepeatedStartOfANewerProgramSaysThatTheTypeHasChanged()
    {
        await using var lab = new FlowLab();
        Flow flow = Flow.From(new Processor("copy") { Inputs = ["x"], Outputs = ["y"] }).Resolve();
        Supervisor service = lab.Join();
        await using FlowRun run = await service.StartAsync(flow, [IOVal.Of("x", new Earlier.Job("ann"))], run: "nightly",
            cancellation: FlowLab.Cancellation);
        var mistake = await Assert.ThrowsAsync<ArgumentException>(() => service.StartAsync(flow, [IOVal.Of("x", new Later.Job("ann"))],
            run: "nightly", cancellation: FlowLab.Cancellation));
        Assert.Equal("There is a run nightly already, and it was started otherwise: its input x has 1 value of a type that has other "
            + "members here, or members in another order. Give this one another id, start it as the other one was started, or go on with "
            + "the other one (FindAsync).", mistake.Message);
    }

    private static class Earlier
    {
        public sealed record Job(string Customer);
    }

    private static class Later
    {
        public sealed record Job(string Customer, int Priority = 5);
    }
}
