using Sluice.Tests.Delivery;

namespace Sluice.Tests.Flows;

/// <summary>Runs complete, fail, are cancelled and taken over, in an order that a seed decides. <c>SLUICE_CRASHES</c> is the number of
/// seeds; <c>SLUICE_SEED</c> repeats one.</summary>
public class InterleavingTests
{
    [Fact]
    public Task ARunEndsOnceAndCorrectlyInAnyInterleaving() => CrashLab.PlayAllAsync(200, async (seed, _) =>
    {
        await using var lab = new InterleavingLab(seed);
        await lab.PlayAsync();
    });
}
