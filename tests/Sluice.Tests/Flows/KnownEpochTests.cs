using Sluice.Flows;
using Sluice.Storage;
using Sluice.Tests.Delivery;
using Sluice.Tests.Storage;

namespace Sluice.Tests.Flows;

/// <summary>A service says which epochs it knows, so that an owner from before the store went back is void.</summary>
public class KnownEpochTests
{
    private static readonly Processor First = new("first") { Inputs = ["x"], Outputs = ["y"] };

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task AServiceRefusesAnEpochThatItKnows(bool forgets)
    {
        await using MemoryStreamStore earlier = new(), later = new();
        await UseAsync(earlier);
        await UseAsync(later);
        await RaiseEpochsAsync(later);
        await using var lab = new FlowLab(SwitchedStore.Over(later, out Action<IStreamStore> put));
        var refused = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Supervisor service = lab.Join(options => options with
        {
            OnWarning = text =>
            {
                if (text.Contains("It must give a higher one", StringComparison.Ordinal)) refused.TrySetResult();
            }
        });
        service.Register(First, (IO<int> x) => x.FirstAsync());
        await RunAsync(service);
        put(forgets ? new FaultyStoreTests.ForgetsKnownEpochs(earlier) : earlier);
        await using FlowRun run = await StartAsync(service);
        if (forgets) await refused.Task.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
        else
        {
            await ReadAsync(run);
            Assert.False(refused.Task.IsCompleted);
        }
    }

    private static async Task UseAsync(IStreamStore store)
    {
        await using Supervisor service = Supervisor.Attach(store, new() { Name = "former", OnWarning = _ => { } });
        service.Register(First, (IO<int> x) => x.FirstAsync());
        await RunAsync(service);
    }

    // Above all that the other store gives: first epochs depend on the order in which the groups of a store were made.
    private static async Task RaiseEpochsAsync(MemoryStreamStore store)
    {
        GroupId hosts = FlowNames.Hosts(First.Name);
        for (int partition = 0; partition < WorkGroup.Partitions; partition++)
        {
            AcquireResult taken = await store.AcquireAsync(hosts, partition, new("former") { KnownEpoch = 1L << 40 }, FlowLab.Cancellation);
            Assert.True(await store.ReleaseAsync(taken.Ownership, FlowLab.Cancellation));
        }
    }

    private static async Task RunAsync(Supervisor service)
    {
        await using FlowRun run = await StartAsync(service);
        await ReadAsync(run);
    }

    private static async Task<FlowRun> StartAsync(Supervisor service)
        => await service.StartAsync(Flow.From(First).Resolve(), [IOVal.Of("x", 1)], cancellation: FlowLab.Cancellation);

    private static async Task ReadAsync(FlowRun run) => Assert.Equal([1], await FlowLab.ReadAsync(run.Output<int>("y")));
}
