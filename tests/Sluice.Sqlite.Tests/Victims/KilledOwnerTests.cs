using Sluice.Testing;

namespace Sluice.Sqlite.Tests.Victims;

/// <summary>
/// The contract with an owner in another process, which is killed by SIGKILL. By default one of the three scenarios that kill at every
/// call, two of the random walks, and a third of the others; <c>SLUICE_KILLS=all</c> runs all.
/// </summary>
[StartsProcesses]
public class KilledOwnerTests
{
    // Each kill costs a process here.
    public static TheoryData<string> Scenarios =>
    [
        .. StreamStoreContract.Scenarios.Where(static (scenario, index) => Environment.GetEnvironmentVariable("SLUICE_KILLS") == "all"
            || (scenario.StartsWith("RandomOperations", StringComparison.Ordinal) ? scenario[^1] is '1' or '2'
            : scenario.StartsWith("Killed", StringComparison.Ordinal) ? scenario.StartsWith("KilledInside", StringComparison.Ordinal)
            : index % 3 == 0)),
    ];

    [Theory]
    [MemberData(nameof(Scenarios))]
    public async Task KeepsTheContract(string scenario)
        => await StreamStoreContract.RunAsync(scenario, new VictimFixture(Durability.Process));
}
