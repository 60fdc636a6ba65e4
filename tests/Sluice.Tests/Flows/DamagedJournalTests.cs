using Sluice.Flows;
using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Tests.Flows;

/// <summary>A host that comes later cannot read the journal of the run after its first entry.</summary>
public class DamagedJournalTests
{
    private static readonly Processor Work = new("work") { Inputs = ["x"], Outputs = ["y"] };

    [Fact]
    public async Task AnUnreadableJournalFailsTheProcessorAndItsReader()
    {
        await using var lab = new FlowLab();
        Supervisor starter = lab.Join();
        await using FlowRun run = await starter.StartAsync(Flow.From(Work).Resolve(), [IOVal.Of("x", 1)], run: "run",
            cancellation: FlowLab.Cancellation);
        await RunWatch.AddAsync(new(lab.Store, TimeProvider.System, _ => { }, FlowLab.Patience), "run",
            new(RunEventKind.Moving, "test", "work"), FlowLab.Cancellation);
        lab.Join(store: new DamagedStore(lab.Store)).Register(Work, StartTests.CopyAsync);

        var failure = await Assert.ThrowsAsync<FlowException>(() => FlowLab.ReadAsync(run.Output<int>("y"))
            .WaitAsync(FlowLab.Patience, FlowLab.Cancellation));
        Assert.Contains("The journal of the run run cannot be followed any further", failure.Message, StringComparison.Ordinal);
        Assert.Contains("is damaged, as the test wants", failure.Message, StringComparison.Ordinal);
        await lab.UntilAsync("work/work", async () =>
            (await lab.Store.ListStateAsync(FlowNames.Hosts("work"), EntryKey.Of("run").PartitionOf(WorkGroup.Partitions),
            WorkPartition.Node, cancellation: FlowLab.Cancellation)).Count == 0);
    }

    /// <summary>The second entry of the journal is damaged. As the contract of stores says, a page ends before it.</summary>
    private sealed class DamagedStore(IStreamStore inner) : StreamStoreWrapper(inner, leaveOpen: true)
    {
        public override ValueTask<ReadResult> ReadAsync(ReadRequest request, CancellationToken cancellation = default)
            => request.Stream != "flow/run" ? base.ReadAsync(request, cancellation)
                : request.From > 1 ? throw new StreamStoreException("The entry flow/run/0/2 is damaged, as the test wants.")
                {
                    IsPermanent = true
                }
                : base.ReadAsync(request with { MaxItems = 1 }, cancellation);
    }
}
