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
        await using var lab = new FlowLab(SwitchedStore.Over(later, out Action<IStreamStore> put));
        var refused = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Supervisor service = Join(lab, text =>
        {
            if (text.Contains("It must give a higher one", StringComparison.Ordinal)) refused.TrySetResult();
        });
        await RunAsync(service);
        put(forgets ? new FaultyStoreTests.ForgetsKnownEpochs(earlier) : earlier);
        if (forgets) await refused.Task.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
        else
        {
            await RunAsync(service);
            Assert.False(refused.Task.IsCompleted);
        }
    }

    // Both stores are the same then: one is a copy of the other.
    private static async Task UseAsync(IStreamStore store)
    {
        await using Supervisor service = Supervisor.Attach(store, new() { Name = "former", OnWarning = _ => { } });
        service.Register(First, (IO<int> x) => x.FirstAsync());
        await RunAsync(service);
    }

    private static Supervisor Join(FlowLab lab, Action<string> onWarning)
    {
        Supervisor service = lab.Join(options => options with { OnWarning = onWarning });
        service.Register(First, (IO<int> x) => x.FirstAsync());
        return service;
    }

    private static async Task RunAsync(Supervisor service)
    {
        await using FlowRun run = await service.StartAsync(Flow.From(First).Resolve(), [IOVal.Of("x", 1)],
            cancellation: FlowLab.Cancellation);
        Assert.Equal([1], await FlowLab.ReadAsync(run.Output<int>("y")));
    }
}
