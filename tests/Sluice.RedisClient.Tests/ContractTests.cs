using Sluice.Testing;

namespace Sluice.Redis.Tests;

/// <summary>The contract of stores, without the long scenarios, which say more of the store than of its client.</summary>
public class ContractTests(SharedServer server)
{
    public static TheoryData<string> Scenarios => [.. StreamStoreContract.Scenarios.Where(static scenario =>
        scenario is "RandomOperationsAgreeWithTheModel1"
        || !(scenario.StartsWith("Random", StringComparison.Ordinal) || scenario.StartsWith("Killed", StringComparison.Ordinal)))];

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
