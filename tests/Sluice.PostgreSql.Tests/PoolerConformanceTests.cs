using Sluice.Testing;

namespace Sluice.PostgreSql.Tests;

/// <summary>
/// The contract through PgBouncer in transaction mode, without prepared statements, with polling. By default a part of the scenarios;
/// <c>SLUICE_POOLER=all</c> runs all.
/// </summary>
public class PoolerConformanceTests(SharedServer server) : IAsyncLifetime
{
    private PgBouncer? bouncer;

    public static TheoryData<string> Scenarios => [.. StreamStoreContract.Scenarios.Where(static (name, index) => index % 4 == 0
        || name.Contains("Wait", StringComparison.Ordinal) || Environment.GetEnvironmentVariable("SLUICE_POOLER") == "all")];

    public async ValueTask InitializeAsync() => bouncer = await PgBouncer.StartAsync(server.Server.Port);

    public async ValueTask DisposeAsync()
    {
        if (bouncer is not null) await bouncer.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    [Theory]
    [MemberData(nameof(Scenarios))]
    public async Task KeepsTheContract(string scenario)
        => await StreamStoreContract.RunAsync(scenario, new PostgresStoreFixture(bouncer!.Address,
            new() { TransactionPooling = true, PollInterval = TimeSpan.FromMilliseconds(50) },
            timeStands: scenario.StartsWith("Random", StringComparison.Ordinal)));
}
