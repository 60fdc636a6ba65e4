using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Tests.Storage;

/// <summary>The contract says so if a fixture lacks the ability that a scenario needs.</summary>
public class UncheckedScenarioTests
{
    [Theory]
    [InlineData("ADamagedEntryIsNamedAndTheOthersAreLeased", "DamageAsync")]
    [InlineData("ADeletedLastEntryIsNamed", "DeleteAsync")]
    public async Task AFixtureThatDamagesNothingIsNamed(string scenario, string ability)
        => Assert.Contains(ability, await StreamStoreContract.RunAsync(scenario, new SmallFixture()), StringComparison.Ordinal);

    [Fact]
    public async Task AScenarioThatCheckedTheStoreHasNothingToSay()
        => Assert.Null(await StreamStoreContract.RunAsync("ACheckReadsEveryEntry", new SmallFixture()));

    // Only what the contract demands of a fixture.
    private sealed class SmallFixture : StreamStoreFixture
    {
        private readonly MemoryStreamStore store = new();

        public override ValueTask<IStreamStore> OpenAsync(TimeProvider time)
            => ValueTask.FromResult<IStreamStore>(new StreamStoreWrapper(store, leaveOpen: true));

        public override ValueTask KillAsync(IStreamStore store) => store.DisposeAsync();

        public override async ValueTask DisposeAsync()
        {
            await store.DisposeAsync();
            await base.DisposeAsync();
        }
    }
}
