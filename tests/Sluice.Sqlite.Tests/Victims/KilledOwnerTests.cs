using Sluice.Testing;

namespace Sluice.Sqlite.Tests.Victims;

/// <summary>The contract, with an owner that is a process of its own and is killed by the system.</summary>
public class KilledOwnerTests
{
    public static TheoryData<string> Scenarios => [.. StreamStoreContract.Scenarios];

    [Theory]
    [MemberData(nameof(Scenarios))]
    public async Task KeepsTheContract(string scenario) => await StreamStoreContract.RunAsync(scenario, new VictimFixture(Durability.Process));
}
