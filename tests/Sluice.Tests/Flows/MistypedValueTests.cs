using Sluice.Flows;

namespace Sluice.Tests.Flows;

/// <summary>A value is put out as one type and read as another: the error names writer, reader, type and remedy.</summary>
public class MistypedValueTests
{
    private static readonly Processor Maker = new("maker") { Outputs = ["doubles"] };
    private static readonly Processor Taker = new("taker") { Inputs = ["doubles"], Outputs = ["sum"] };

    [Fact]
    public async Task TheFailureOfAProcessorNamesWriterReaderAndType()
    {
        await using var lab = new FlowLab();
        Supervisor service = lab.Join();
        service.Register(Maker, () => new[] { IOVal.Of("doubles", 1), IOVal.Of("doubles", "text") });
        service.Register(Taker, (ProcessorFunction)SumAsync);        // its types are unknown, so the writer is not checked
        await using FlowRun run = await service.StartAsync(Flow.From(Maker, Taker).Resolve(), [], run: "r",
            cancellation: FlowLab.Cancellation);
        string failure = await FailureAsync(() => run.Completion);
        Assert.StartsWith("The run r has failed: the processor taker has: The processor taker cannot read the value 2 of doubles as int. "
            + "The processor maker has put it out, perhaps as another type. Use one type on both sides, for example "
            + "IOVal.Of<int>(\"doubles\", …). Details: Entry flow-io/r/doubles/0/2@1", failure, StringComparison.Ordinal);
    }

    [Fact]
    public async Task TheFailureOfAReadResultNamesItsWriter()
    {
        await using var lab = new FlowLab();
        Supervisor service = lab.Join();
        service.Register(Maker, () => new[] { IOVal.Of("doubles", "text") });
        await using FlowRun run = await service.StartAsync(Flow.From(Maker).Resolve(), [], cancellation: FlowLab.Cancellation);
        string failure = await FailureAsync(async () => await run.Output<int>("doubles").FirstAsync(FlowLab.Cancellation));
        Assert.StartsWith("This service cannot read the value 1 of doubles as int. The processor maker has put it out, perhaps as another "
            + "type. ", failure, StringComparison.Ordinal);
    }

    [Fact]
    public async Task TheFailureOfAGivenInputNamesTheStart()
    {
        await using var lab = new FlowLab();
        Supervisor starter = lab.Join();
        await using FlowRun run = await starter.StartAsync(Flow.From(Taker).Resolve(), [IOVal.Of("doubles", "text")],
            cancellation: FlowLab.Cancellation);
        lab.Join().Register(Taker, (ProcessorFunction)SumAsync);
        string failure = await FailureAsync(() => run.Completion);
        Assert.Contains("The processor taker cannot read the value 1 of doubles as int. The start of the run has put it in, perhaps as "
            + "another type. ", failure, StringComparison.Ordinal);
    }

    private static async Task<string> FailureAsync(Func<Task> wait)
        => (await Assert.ThrowsAsync<FlowException>(() => wait().WaitAsync(FlowLab.Patience, FlowLab.Cancellation))).Message;

    private static async IAsyncEnumerable<IOVal> SumAsync(ProcessorContext context,
        [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellation)
    {
        int all = 0;
        await foreach (int value in context.Input<int>("doubles").StreamAsync(cancellation)) all += value;
        yield return IOVal.Of("sum", all);
    }
}
