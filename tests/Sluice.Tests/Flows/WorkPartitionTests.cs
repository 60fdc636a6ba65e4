using Sluice.Flows;
using Sluice.Storage;

namespace Sluice.Tests.Flows;

/// <summary>The number of partitions that the work of a processor is divided into.</summary>
public class WorkPartitionTests
{
    private static readonly Processor Work = new("work") { Inputs = ["x"], Outputs = ["y"] };
    private static readonly Flow Working = Flow.From(Work).Resolve();

    [Theory]
    [InlineData(1)]
    [InlineData(40)]
    public async Task TheFirstServiceDecidesTheNumberOfWorkPartitions(int parts)
    {
        await using var lab = new FlowLab();
        Supervisor[] services = [.. Enumerable.Range(0, 3).Select(_ => lab.Join(options => options with { WorkPartitions = parts }))];
        foreach (Supervisor service in services) service.Register(Work, StartTests.CopyAsync);
        FlowRun[] runs = await Task.WhenAll(Enumerable.Range(0, 30)
            .Select(n => services[0].StartAsync(Working, [IOVal.Of("x", n)], cancellation: FlowLab.Cancellation)));
        await Task.WhenAll(runs.Select(run => run.Completion)).WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
        Assert.Equal(parts, (await lab.Store.FindGroupAsync(new("work/work", "hosts"), FlowLab.Cancellation))!.Partitions.Count);
        Assert.Empty(lab.Warnings);
        foreach (FlowRun run in runs)
        {
            await run.DisposeAsync();
            await lab.UntilLeftAsync("work", run.Id, parts);
            Assert.True(await services[1].DeleteAsync(run.Id, FlowLab.Cancellation));
        }
    }

    [Fact]
    public async Task AServiceUsesTheStoredNumberOfPartitionsAndWarns()
    {
        await using var lab = new FlowLab();
        Supervisor first = lab.Join(options => options with { WorkPartitions = 4 }),
            other = lab.Join(options => options with { WorkPartitions = 8 }), silent = lab.Join();
        first.Register(Work, StartTests.CopyAsync);
        while (await lab.Store.FindStreamAsync("work/work", FlowLab.Cancellation) is null) await Task.Yield();
        foreach (Supervisor service in (Supervisor[])[other, silent]) service.Register(Work, StartTests.CopyAsync);
        foreach (Supervisor service in (Supervisor[])[first, other, silent])
        {
            await using FlowRun run = await service.StartAsync(Working, [IOVal.Of("x", 1)], cancellation: FlowLab.Cancellation);
            Assert.Equal([1], await FlowLab.ReadAsync(run.Output<int>("y")));
        }
        await lab.UntilAsync("work/work", () => Task.FromResult(Warnings() > 0));
        Assert.Equal(1, Warnings());

        int Warnings() => lab.Warnings.Count(text => text.StartsWith(
            "The work of the processor work is divided into 4 parts in the store, not into 8 as this service says "
                + "(SupervisorOptions.WorkPartitions): 4 services can share it.", StringComparison.Ordinal));
    }

    [Fact]
    public void ANumberOfPartitionsOutOfRangeIsRefused()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => new SupervisorOptions { WorkPartitions = 0 });
        Assert.Throws<ArgumentOutOfRangeException>(() => new SupervisorOptions { WorkPartitions = 4097 });
    }
}
