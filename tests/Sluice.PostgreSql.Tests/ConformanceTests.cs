using Sluice.Testing;

namespace Sluice.PostgreSql.Tests;

public class ConformanceTests(SharedServer server)
{
    public static TheoryData<string> Scenarios => [.. StreamStoreContract.Scenarios];

    [Theory]
    [MemberData(nameof(Scenarios))]
    public async Task KeepsTheContract(string scenario)
        => Assert.Null(await StreamStoreContract.RunAsync(scenario,
        new PostgresStoreFixture(server.Address, timeStands: scenario.StartsWith("Random", StringComparison.Ordinal))));
}
