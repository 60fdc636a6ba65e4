using Sluice.Diagnostics;
using Sluice.Flows;
using Sluice.Storage;

namespace Sluice.Tests.Flows;

/// <summary>Values are kept as long as a reader may still read them, and no longer.</summary>
public class RetentionTests
{
    private const int Many = 3_000;
    private static readonly Processor Maker = new("maker") { Outputs = ["x"] };

    [Theory]
    [InlineData(ResumeMode.FromScratch, false)]
    [InlineData(ResumeMode.FromScratch, true)]
    [InlineData(ResumeMode.PerItem, false)]
    [InlineData(ResumeMode.PerItem, true)]
    [InlineData(ResumeMode.Checkpoint, false)]
    public async Task AnInputIsKeptUntilItsLastReaderHasEnded(ResumeMode resume, bool waits)
    {
        await using var lab = new FlowLab();
        Supervisor service = lab.Join();
        var second = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        service.Register(Maker, Make);
        Processor first = new("first") { Inputs = ["x", "given"], Outputs = ["y"], Resume = resume, Wait = waits },
            last = new("last") { Inputs = ["x"], Outputs = ["z"] };
        service.Register(first, async (IO<int> x, IO<int> given, IOWriter<int> y) =>
        {
            await foreach (int value in x.StreamAsync())
                if (value % 100 == 0) await y.WriteAsync(value);
        });
        service.Register(last, async (IO<int> x) =>
        {
            await second.Task;
            int count = 0;
            await foreach (int value in x.StreamAsync()) count++;
            return count;
        });
        await using FlowRun run = await service.StartAsync(Flow.From(Maker, first, last).Resolve(),
            [IOVal.Of("given", 1), IOVal.Of("given", 2)], cancellation: FlowLab.Cancellation);
        Assert.Equal(Many / 100, (await FlowLab.ReadAsync(run.Output<int>("y"))).Count);
        await KeepsAsync(lab, run.Id, "given", 0);
        await lab.UntilAsync($"flow/{run.Id}", async () =>
            (await run.GetStatusAsync(FlowLab.Cancellation)).Processors[1].Status == FlowStatus.Completed);
        await KeepsAsync(lab, run.Id, "x", Many);

        second.SetResult();
        await run.Completion.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
        await KeepsAsync(lab, run.Id, "x", 0);
        FlowStreamInfo x = (await run.GetStatusAsync(FlowLab.Cancellation)).Streams.Single(stream => stream.Name == "x");
        Assert.Equal((Many, 0, true), (x.Written, x.Kept, x.IsComplete));
        await KeepsAsync(lab, run.Id, "z", 1);
        Assert.Equal(Many, await run.Output<int>("z").FirstAsync(FlowLab.Cancellation));
        await run.DisposeAsync();
        Assert.Equal(0, await KeptAsync(lab, run.Id));
    }

    [Fact]
    public async Task UnreadResultsAreNotKeptAfterTheirRunIsDisposed()
    {
        await using var lab = new FlowLab();
        Supervisor service = lab.Join();
        service.Register(Maker, Make);
        FlowRun run = await service.StartAsync(Flow.From(Maker).Resolve(), [], cancellation: FlowLab.Cancellation);
        await run.Completion.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);

        // Until then they are kept: a caller that found the run releases nothing.
        await using (FlowRun other = (await service.FindAsync(run.Id, FlowLab.Cancellation))!)
            Assert.Equal(FlowStatus.Completed, (await other.GetStatusAsync(FlowLab.Cancellation)).Status);
        Assert.Equal(Many, await KeptAsync(lab, run.Id));
        await run.DisposeAsync();
        Assert.Equal(0, await KeptAsync(lab, run.Id));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task ValuesWrittenAfterTheOnlyReaderEndedAreNotKept(bool fails)
    {
        await using var lab = new FlowLab();
        Supervisor service = lab.Join();
        var taker = new Processor("taker") { Inputs = ["x"] };
        var go = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        service.Register(Maker, MakeAndWaitAsync);
        service.Register(taker, async (IO<int> x) =>
        {
            await x.FirstAsync();
            if (fails) throw new InvalidOperationException("no ink");
        });
        await using FlowRun run = await service.StartAsync(Flow.From(Maker, taker).Resolve(), [], cancellation: FlowLab.Cancellation);
        await lab.UntilAsync($"flow-io/{run.Id}/x", async () =>
            (await lab.Store.FindStreamAsync($"flow-io/{run.Id}/x"))!.Readers.Count == 0);
        go.SetResult();
        await Task.WhenAny(run.Completion).WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
        await KeepsAsync(lab, run.Id, "x", 0);

        async IAsyncEnumerable<IOVal> MakeAndWaitAsync()
        {
            yield return IOVal.Of("x", 1);
            await go.Task;
            for (int i = 0; i < 500; i++) yield return IOVal.Of("x", i);
        }
    }

    [Fact]
    public async Task ACancelledRunKeepsNoValues()
    {
        await using var lab = new FlowLab();
        Supervisor service = lab.Join();
        var taker = new Processor("taker") { Inputs = ["x"] };
        service.Register(Maker, Make);
        service.Register(taker, async (IO<int> x, CancellationToken cancellation) =>
        {
            await x.FirstAsync(cancellation);
            await Task.Delay(Timeout.Infinite, cancellation);
        });
        await using FlowRun run = await service.StartAsync(Flow.From(Maker, taker).Resolve(), [], cancellation: FlowLab.Cancellation);
        await lab.UntilAsync($"flow/{run.Id}", async () =>
            (await run.GetStatusAsync(FlowLab.Cancellation)).Processors[1].Status == FlowStatus.Running);
        await run.CancelAsync(cancellation: FlowLab.Cancellation);
        await KeepsAsync(lab, run.Id, "x", 0);
    }

    [Fact]
    public async Task StreamsWithRetentionAllKeepEveryValue()
    {
        await using var lab = new FlowLab();
        Supervisor service = lab.Join();
        var taker = new Processor("taker") { Inputs = ["x"], Outputs = ["y"] };
        FlowStreamOptions all = new() { Retention = Retention.All };
        service.Register(Maker, Make);
        service.Register(taker, async (IO<int> x) => await x.FirstAsync());
        FlowRun run = await service.StartAsync(Flow.From(Maker, taker).With("x", all).With("y", all).Resolve(), [],
            cancellation: FlowLab.Cancellation);
        await run.Completion.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
        await run.DisposeAsync();
        await lab.UntilAsync($"flow-io/{run.Id}/x", async () =>
            (await lab.Store.FindStreamAsync($"flow-io/{run.Id}/x"))!.Readers.Count == 0);
        Assert.Equal(Many + 1, await KeptAsync(lab, run.Id));
    }

    [Fact]
    public async Task AnInputIsKeptForAFunctionThatReadsItByName()
    {
        await using var lab = new FlowLab();
        Supervisor service = lab.Join();
        var taker = new Processor("taker") { Inputs = ["x"], Outputs = ["y"] };
        var go = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        service.Register(Maker, Make);
        service.Register(taker, async (ProcessorContext context) =>
        {
            await go.Task;
            return (await FlowLab.ReadAsync(context.Input<int>("x"))).Count;
        });
        await using FlowRun run = await service.StartAsync(Flow.From(Maker, taker).Resolve(), [], cancellation: FlowLab.Cancellation);
        await lab.UntilAsync($"flow/{run.Id}", async () =>
            (await run.GetStatusAsync(FlowLab.Cancellation)).Processors is [{ Status: FlowStatus.Completed },
            { Status: FlowStatus.Running }]);
        go.SetResult();
        Assert.Equal(Many, await run.Output<int>("y").FirstAsync(FlowLab.Cancellation).AsTask()
            .WaitAsync(FlowLab.Patience, FlowLab.Cancellation));
    }

    private static IEnumerable<IOVal> Make()
    {
        for (int i = 0; i < Many; i++) yield return IOVal.Of("x", i);
    }

    private static Task KeepsAsync(FlowLab lab, string run, string stream, long count)
        => lab.UntilAsync($"flow-io/{run}/{stream}",
        async () => (await lab.Store.FindStreamAsync($"flow-io/{run}/{stream}", FlowLab.Cancellation))!.Items == count);

    private static async Task<long> KeptAsync(FlowLab lab, string run)
    {
        long kept = 0;
        foreach (string stream in await lab.Store.ListStreamsAsync($"flow-io/{run}/", FlowLab.Cancellation))
            kept += (await lab.Store.FindStreamAsync(stream, FlowLab.Cancellation))!.Items;
        return kept;
    }
}
