using Sluice.Tests.Delivery;

namespace Sluice.Tests.Flows;

/// <summary>Flows whose services die, on the memory store.</summary>
public class FlowCrashTests
{
    [Fact]
    public Task ResultsAreTheSameWhateverDies() => CrashLab.PlayAllAsync(25, async (seed, cancellation) =>
    {
        await using var store = new MemoryStreamStore();
        await new FlowCrashLab(seed, store).PlayAsync(cancellation);
    });
}
