using Sluice.Flows;

namespace Sluice.Tests.Flows;

/// <summary><c>OnWarning</c> throws, as a log does that is closed already, or waits.</summary>
public class ThrowingOnWarningTests
{
    [Fact]
    public async Task AnExceptionFromOnWarningStopsNoRun()
    {
        await using var lab = new FlowLab();
        Supervisor service = lab.Join(options => options with { OnWarning = _ => throw new ObjectDisposedException("log") });
        var work = new Processor("work") { Inputs = ["x"], Outputs = ["y"] };
        service.Register(work, (IO<int> x) => x.IsComplete ? Task.FromResult(1) : throw new InvalidOperationException("no ink"));
        await using FlowRun run = await service.StartAsync(Flow.From(work).Resolve(), [IOVal.Of("x", 1)],
            cancellation: FlowLab.Cancellation);
        var failure = await Assert.ThrowsAsync<FlowException>(() => run.Completion.WaitAsync(FlowLab.Patience,
            FlowLab.Cancellation));
        Assert.EndsWith("InvalidOperationException: no ink", failure.Message, StringComparison.Ordinal);
    }

    /// <remarks>Regression: the handler waits for the thread of a window, which waited for a lock of the supervisor.</remarks>
    [Fact]
    public async Task OnWarningMayWaitForAThreadThatCallsTheSupervisor()
    {
        await using var lab = new FlowLab();
        Supervisor? service = null;
        Exception? failure = new InvalidOperationException("There was no warning.");
        service = lab.Join(options => options with
        {
            OnWarning = _ => failure = Record.Exception(() => Task.Run(() => service!.FindAsync("r", FlowLab.Cancellation))
                .WaitAsync(FlowLab.Patience).GetAwaiter().GetResult())
        });
        var work = new Processor("work") { Outputs = ["y"] };
        for (int i = 0; i < 2; i++) service.Register(work, static () => Task.FromResult(1));
        Assert.Null(failure);
    }
}
