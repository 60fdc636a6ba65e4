using Sluice.Testing;

namespace Sluice.Redis.Tests;

public class ConformanceTests(SharedServer server)
{
    public static TheoryData<string> Scenarios => [.. StreamStoreContract.Scenarios];

    [Theory]
    [MemberData(nameof(Scenarios))]
    public async Task KeepsTheContract(string scenario)
    {
        string? missing = await StreamStoreContract.RunAsync(scenario,
            new RedisStoreFixture(server.Address, timeStands: scenario.StartsWith("Random", StringComparison.Ordinal)));
        // No functions of an application run in Redis.
        Assert.True(missing?.Contains("TransactionType", StringComparison.Ordinal) ?? true, missing);
    }
}
