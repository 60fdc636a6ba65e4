using Sluice.Testing;

namespace Sluice.Sqlite.Tests.Victims;

/// <summary>The contract, with an owner that is a process of its own and is killed by the system.</summary>
public class KilledOwnerTests
{
    // Two of the random walks are enough here, where each kill costs a process.
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
