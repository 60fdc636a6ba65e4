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

    [Theory]
    [InlineData("APauseIsOfOneGroup", "pause groups")]
    [InlineData("APauseSurvivesAKill", "pause groups")]
    [InlineData("ADrainIsAPauseThatSaysMore", "drain groups")]
    public async Task AnAbilityThatTheStoreNeedNotHaveIsNamed(string scenario, string ability)
        => Assert.Contains(ability, await StreamStoreContract.RunAsync(scenario, new MemoryStoreFixture(static inner => new Old(inner))),
            StringComparison.Ordinal);

    [Fact]
    public async Task AnAbilityThatTheStoreNeedNotHaveFailsNoOtherScenario()
        => Assert.Null(await StreamStoreContract.RunAsync("ACallThatNamesAMissingGroupOrStreamFails",
            new MemoryStoreFixture(static inner => new Old(inner))));

    // The first store stays open: what is refused is the second one.
    [Fact]
    public async Task AFixtureThatOpensWhatItDoesNotAllowIsTold()
    {
        StreamStoreContractException failure = await Assert.ThrowsAsync<StreamStoreContractException>(
            () => StreamStoreContract.RunAsync("ABoundHoldsForBoth", new SmallFixture()));
        Assert.Contains("which CanOpenSeveral does not allow", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AStoreThatCannotBeOpenedAtFirstHasBrokenNothing()
        => await Assert.ThrowsAsync<IOException>(() => StreamStoreContract.RunAsync("ACheckReadsEveryEntry", new ClosedFixture()));

    [Fact]
    public async Task AScenarioThatCheckedTheStoreHasNothingToSay()
        => Assert.Null(await StreamStoreContract.RunAsync("ACheckReadsEveryEntry", new SmallFixture()));

    // An earlier store, which pauses nothing.
    private sealed class Old(IStreamStore inner) : StreamStoreWrapper(inner)
    {
        public override ValueTask PauseGroupAsync(GroupId group, bool isPaused, CancellationToken cancellation = default)
            => throw new StreamStoreException("This store cannot pause groups.") { IsPermanent = true };

        public override ValueTask DrainGroupAsync(GroupId group, CancellationToken cancellation = default)
            => throw new StreamStoreException("This store cannot drain groups.") { IsPermanent = true };
    }

    private sealed class ClosedFixture : StreamStoreFixture
    {
        public override ValueTask<IStreamStore> OpenAsync(TimeProvider time) => throw new IOException("connection refused");

        public override ValueTask KillAsync(IStreamStore store) => default;
    }

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
