using Sluice.Tests.Delivery;

namespace Sluice.Tests.Flows;

/// <summary>Complete, fail, cancel and take over, in the order of a seed. <c>SLUICE_CRASHES</c> says how many seeds, <c>SLUICE_SEED</c>
/// repeats one.</summary>
public class InterleavingTests
{
    [Fact]
    public Task ARunEndsOnceAndAsItShouldWhateverHappensWhen() => CrashLab.PlayAllAsync(200, async (seed, _) =>
    {
        await using var lab = new InterleavingLab(seed);
        await lab.PlayAsync();
    });
}
