using Sluice.Diagnostics;
using Sluice.Flows;
using Sluice.Tests.Executors;

namespace Sluice.Tests.Flows;

/// <summary>The failure of a run that a function has started and awaits is a failure of the function.</summary>
public class NestedRunTests
{
    private static readonly Processor Outer = new("outer") { Inputs = ["x"], Outputs = ["y"], Retry = new(1) { Delay = TimeSpan.Zero } };
    private static readonly Processor Inner = new("inner") { Outputs = ["z"] };

    public enum Way
    {
        Completion,
        Result,
        Cancellation,
    }

    [Theory]
    [InlineData(Way.Completion, false)]
    [InlineData(Way.Completion, true)]
    [InlineData(Way.Result, false)]
    [InlineData(Way.Result, true)]
    [InlineData(Way.Cancellation, false)]
    [InlineData(Way.Cancellation, true)]
    public async Task ItIsRetried(Way way, bool isRemote)
    {
        await using var lab = new FlowLab();
        (FlowRun run, Func<int> calls) = await StartAsync(lab, way, isRemote, failures: 1);
        await using (run)
        {
            Assert.Equal([7], await FlowLab.ReadAsync(run.Output<int>("y")));
            await run.Completion.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
            Assert.Equal(2, calls());
            Assert.Contains(lab.Warnings, text => text.StartsWith(
                $"The processor outer of the run {run.Id} has failed in attempt 1 of 2, and is tried again: ", StringComparison.Ordinal));
        }
    }

    [Theory]
    [InlineData(Way.Completion, false)]
    [InlineData(Way.Result, true)]
    [InlineData(Way.Cancellation, false)]
    [InlineData(Way.Cancellation, true)]
    public async Task TheRunNamesItsOwnProcessor(Way way, bool isRemote)
    {
        await using var lab = new FlowLab();
        (FlowRun run, _) = await StartAsync(lab, way, isRemote, failures: 2);
        await using (run)
        {
            var failure = await Assert.ThrowsAsync<FlowException>(() => run.Completion.WaitAsync(FlowLab.Patience, FlowLab.Cancellation));
            Assert.Equal((run.Id, "outer", false), (failure.Run, failure.Processor, failure.IsCancelled));
            Assert.StartsWith($"The run {run.Id} has failed: the processor outer has: The ", failure.Message, StringComparison.Ordinal);
            Assert.Contains(way == Way.Cancellation ? "was cancelled: enough" : "the processor inner has: IOException: no paper",
                failure.Message, StringComparison.Ordinal);
            Assert.Equal(FlowStatus.Failed, (await run.GetStatusAsync(FlowLab.Cancellation)).Status);
            Assert.Contains(lab.Warnings, text => text.StartsWith($"The processor outer of the run {run.Id} has failed: ",
                StringComparison.Ordinal));
        }
    }

    private static async Task<(FlowRun Run, Func<int> Calls)> StartAsync(FlowLab lab, Way way, bool isRemote, int failures)
    {
        Supervisor service = lab.Join();
        int calls = 0, inner = 0;
        service.Register(Inner, () => way != Way.Cancellation && Interlocked.Increment(ref inner) <= failures
            ? Task.FromException<int>(new IOException("no paper")) : Task.FromResult(7));
        Delegate function = async (IO<int> x, CancellationToken cancellation) =>
        {
            int call = Interlocked.Increment(ref calls);
            Flow flow = way == Way.Cancellation && call <= failures ? Flow.From(new Processor("nobody") { Outputs = ["z"] }).Resolve()
                : Flow.From(Inner).Resolve();
            await using FlowRun nested = await service.StartAsync(flow, [], cancellation: cancellation);
            if (way == Way.Cancellation && call <= failures) await nested.CancelAsync("enough", cancellation);
            if (way != Way.Result) await nested.Completion;
            return await nested.Output<int>("z").FirstAsync(cancellation);
        };
        if (isRemote)
        {
            var functions = new ProcessorFunctions();
            functions.Add(Outer, function);
            service.Register(Outer, MessageExecutor.Of(functions));
        }
        else service.Register(Outer, function);
        FlowRun run = await service.StartAsync(Flow.From(Outer).Resolve(), [IOVal.Of("x", 1)], cancellation: FlowLab.Cancellation);
        return (run, () => Volatile.Read(ref calls));
    }
}
