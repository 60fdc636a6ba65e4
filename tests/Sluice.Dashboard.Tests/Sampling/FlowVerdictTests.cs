using Sluice.Dashboard.Sampling;
using Sluice.Diagnostics;
using Sluice.Flows;

namespace Sluice.Dashboard.Tests.Sampling;

/// <summary>What is said of runs of flows that have failed.</summary>
public sealed class FlowVerdictTests
{
    [Theory]
    [InlineData(true, "Has failed: no luck Mend the cause, and start it again.")]
    [InlineData(false, "Has failed: no luck Mend the cause, and start another run: the store has not kept all inputs of this one.")]
    [InlineData(null, "Has failed: no luck Mend the cause. Its page says whether it can be started again.")]
    public void AFailedRunIsToBeStartedAgainIfItsInputsAreThere(bool? hasInputs, string text)
    {
        var run = new RunLine("r", FlowStatus.Failed, 1, 1, DateTimeOffset.UnixEpoch, "somebody", "no luck") { HasInputs = hasInputs };
        Assert.Equal(text, FlowVerdict.Of(run, null, DateTimeOffset.UnixEpoch, null).Text);
    }

    [Fact]
    public async Task FailedAttemptsOfTheProcessorThatHasFailedAreCounted()
    {
        await using var store = new MemoryStreamStore();
        await using var supervisor = Supervisor.Attach(store, new() { Name = "host" });
        Processor split = new("split") { Inputs = ["text"], Outputs = ["word"] };
        Processor count = new("count") { Inputs = ["word"], Outputs = ["sum"] };
        supervisor.Register(split, static async Task<string> (IO<string> text) => throw new FormatException(await text.FirstAsync()));
        supervisor.Register(count, static async Task<int> (IO<string> word) => (await word.FirstAsync()).Length);
        FlowRun run = await supervisor.StartAsync(Flow.From(split, count).Resolve(), [IOVal.Of("text", "no")],
            cancellation: TestContext.Current.CancellationToken);
        await using (run)
        {
            await Assert.ThrowsAnyAsync<SluiceException>(() => run.Completion);
            RunLine line = RunLine.Of(await run.GetStatusAsync(TestContext.Current.CancellationToken));
            Assert.Equal((FlowStatus.Failed, 1, false), (line.Status, line.FailedAttempts, line.HasInputs));
        }
    }
}
