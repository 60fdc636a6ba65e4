using Sluice.Flows;
using Sluice.Storage;

namespace Sluice.Tests.Flows;

/// <summary>Results that are read again: all of them with keepOutputs, and the unread ones by a starter that died and came back.</summary>
public class RereadTests
{
    private const int Many = 3_000;
    private static readonly Processor Work = new("work") { Inputs = ["x"], Outputs = ["y"] };

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task OnlyKeptOutputsCanBeReadAgain(bool isKept)
    {
        await using var lab = new FlowLab();
        Supervisor service = lab.Join();
        service.Register(Work, CopyAsync);
        await using FlowRun run = await service.StartAsync(Flow.From(Work).Resolve(), [IOVal.Of("x", Many)], keepOutputs: isKept,
            cancellation: FlowLab.Cancellation);
        IO<int> y = run.Output<int>("y");
        Assert.Equal(Many, (await FlowLab.ReadAsync(y)).Count);
        await run.Completion.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
        if (!isKept)
        {
            var gone = await Assert.ThrowsAsync<FlowException>(() => FlowLab.ReadAsync(y));
            Assert.EndsWith("Read it once, start the run with keepOutputs: true, or give the stream Retention.All.", gone.Message,
                StringComparison.Ordinal);
            return;
        }
        Assert.Equal(Enumerable.Range(0, Many), await FlowLab.ReadAsync(y));
        Assert.Equal(0, await y.FirstAsync(FlowLab.Cancellation));
        await run.DisposeAsync();
        await using FlowRun again = (await service.FindAsync(run.Id, FlowLab.Cancellation))!;
        Assert.Equal(Many, (await FlowLab.ReadAsync(again.Output<int>("y"))).Count);
        Assert.True(await UntilDeletedAsync(lab, service, run.Id));
        Assert.Empty(await lab.Store.ListStreamsAsync($"flow-io/{run.Id}/", FlowLab.Cancellation));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task AStarterReadsItsResultsAfterARestart(bool isStartedAgain)
    {
        await using var lab = new FlowLab();
        lab.Join().Register(Work, CopyAsync);
        Flow flow = Flow.From(Work).With("y", new() { MaxItems = 10 }).Resolve();
        IOVal[] inputs = [IOVal.Of("x", 100)];
        Supervisor Shop() => Supervisor.Attach(lab.Store, new() { Name = "shop" });
        Supervisor starter = Shop();
        FlowRun first = await starter.StartAsync(flow, inputs, run: "order-7", cancellation: FlowLab.Cancellation);
        List<int> read = [];
        await foreach (int value in first.Output<int>("y").StreamAsync(FlowLab.Cancellation))
        {
            read.Add(value);
            if (read.Count == 20) break;
        }
        await starter.AbandonAsync();

        await using Supervisor next = Shop();
        await using FlowRun run = isStartedAgain ? await next.StartAsync(flow, inputs, run: "order-7", cancellation: FlowLab.Cancellation)
            : (await next.FindAsync("order-7", FlowLab.Cancellation))!;
        // Reads from the first value that the store still has: values that were read have left it.
        await foreach (int value in run.Output<int>("y").StreamAsync(FlowLab.Cancellation)) read.Add(value);
        Assert.Equal(Enumerable.Range(0, 100), read.Distinct());
        await run.Completion.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
        await using Supervisor other = Supervisor.Attach(lab.Store, new() { Name = "other" });
        await using FlowRun looked = (await other.FindAsync("order-7", FlowLab.Cancellation))!;
        Assert.Contains("is read by the service that has started the run, shop; this one is other.",
            Assert.Throws<ArgumentException>(() => looked.Output<int>("y")).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(false, false)]
    [InlineData(false, true)]
    [InlineData(true, false)]
    [InlineData(true, true)]
    public async Task AStarterThatComesBackAfterTheEndGetsWhatIsKept(bool isKept, bool isKilled)
    {
        await using var lab = new FlowLab();
        lab.Join().Register(Work, CopyAsync);
        Flow flow = Flow.From(Work).Resolve();
        IOVal[] inputs = [IOVal.Of("x", Many)];
        Supervisor starter = Supervisor.Attach(lab.Store, new() { Name = "shop" });
        FlowRun first = await starter.StartAsync(flow, inputs, run: "order-7", keepOutputs: isKept, cancellation: FlowLab.Cancellation);
        Assert.Equal(Many, (await FlowLab.ReadAsync(first.Output<int>("y"))).Count);
        await first.Completion.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
        if (isKilled) await starter.AbandonAsync();
        else
        {
            await first.DisposeAsync();
            await starter.DisposeAsync();
        }

        await using Supervisor next = Supervisor.Attach(lab.Store, new() { Name = "shop" });
        await using FlowRun again = await next.StartAsync(flow, inputs, run: "order-7", keepOutputs: isKept,
            cancellation: FlowLab.Cancellation);
        IO<int> y = again.Output<int>("y");
        if (isKept)
        {
            Assert.Equal(Enumerable.Range(0, Many), await FlowLab.ReadAsync(y));
            return;
        }
        // A starter that was killed reads on behind what it had read.
        if (isKilled) Assert.Empty(await FlowLab.ReadAsync(y));
        else AssertIsGone(await Assert.ThrowsAsync<FlowException>(() => FlowLab.ReadAsync(y)));
        AssertIsGone(await Assert.ThrowsAsync<FlowException>(() => y.FirstAsync(FlowLab.Cancellation).AsTask()));

        static void AssertIsGone(FlowException gone)
            => Assert.Matches("^The stream y of the run order-7 does not have its values 1 to [0-9,]+ any more: they left the store "
                + "when they had been read, or after ResultRetentionDuration. Read it once, start the run with keepOutputs: true, or give "
                + "the stream Retention.All.$",
                gone.Message);
    }

    private static async Task<bool> UntilDeletedAsync(FlowLab lab, Supervisor service, string run)
    {
        await lab.UntilLeftAsync("work", run);
        return await service.DeleteAsync(run, FlowLab.Cancellation);
    }

    private static async IAsyncEnumerable<IOVal> CopyAsync(IO<int> x)
    {
        int count = await x.FirstAsync();
        for (int i = 0; i < count; i++) yield return IOVal.Of("y", i);
    }
}
