using Sluice.Testing;

namespace Sluice.Sqlite.Tests.Victims;

/// <summary>The contract with an owner in another process, which is killed by SIGKILL.</summary>
public class KilledOwnerTests
{
    // Each kill costs a process here, so two of the random walks are enough.
    public static TheoryData<string> Scenarios =>
    [
        .. StreamStoreContract.Scenarios.Where(scenario => !scenario.StartsWith("RandomOperations", StringComparison.Ordinal)
            || scenario[^1] is '1' or '2'),
    ];

    [Theory]
    [MemberData(nameof(Scenarios))]
    public async Task KeepsTheContract(string scenario)
        => await StreamStoreContract.RunAsync(scenario, new VictimFixture(Durability.Process));
}
