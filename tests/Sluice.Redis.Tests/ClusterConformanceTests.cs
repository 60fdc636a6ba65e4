using Sluice.Testing;

namespace Sluice.Redis.Tests;

/// <summary>
/// Runs the contract on a Redis Cluster with three masters. The prefixes spread the stores of the scenarios over the masters. Runs one
/// scenario in four; SLUICE_CLUSTER=all runs all of them.
/// </summary>
public sealed class ClusterConformanceTests(ClusterConformanceTests.Shared shared) : IClassFixture<ClusterConformanceTests.Shared>
{
    public static TheoryData<string> Scenarios => [.. StreamStoreContract.Scenarios.Where((_, at) => at % 4 == 0
        || Environment.GetEnvironmentVariable("SLUICE_CLUSTER") == "all")];

    [Theory]
    [MemberData(nameof(Scenarios))]
    public async Task KeepsTheContract(string scenario)
    {
        string? missing = await StreamStoreContract.RunAsync(scenario,
            new RedisStoreFixture(shared.Addresses, timeStands: scenario.StartsWith("Random", StringComparison.Ordinal)));
        // No functions of an application run in Redis.
        Assert.True(missing?.Contains("TransactionType", StringComparison.Ordinal) ?? true, missing);
    }

    public sealed class Shared : IAsyncLifetime
    {
        private RedisCluster? cluster;

        internal string Addresses => cluster!.Addresses;

        public async ValueTask InitializeAsync() => cluster = await RedisCluster.StartAsync();

        public async ValueTask DisposeAsync()
        {
            if (cluster is not null) await cluster.DisposeAsync();
        }
    }
}
