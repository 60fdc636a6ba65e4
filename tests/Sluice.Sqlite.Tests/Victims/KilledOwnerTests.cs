using Sluice.Testing;

namespace Sluice.Sqlite.Tests.Victims;

/// <summary>
/// The contract with an owner in another process, which is killed by SIGKILL. By default one of the three scenarios that kill at every
/// call, one of the random walks, and a twelfth of the others, with the long tests a sixth; <c>SLUICE_KILLS=all</c> runs all.
/// </summary>
[StartsProcesses]
public class KilledOwnerTests
{
    internal static readonly bool AreAll = Environment.GetEnvironmentVariable("SLUICE_KILLS") == "all";

    public static TheoryData<string> Scenarios =>
    [
        .. StreamStoreContract.Scenarios.Where(static (scenario, index) => AreAll
            || (scenario.StartsWith("RandomOperations", StringComparison.Ordinal) ? scenario[^1] == '1'
            : scenario.StartsWith("Killed", StringComparison.Ordinal) ? scenario.StartsWith("KilledInside", StringComparison.Ordinal)
            : index % Repetitions.Of(12, all: 6) == 0)),
    ];

    [Theory]
    [MemberData(nameof(Scenarios))]
    public async Task KeepsTheContract(string scenario)
    {
        if (await StreamStoreContract.RunAsync(scenario, new VictimFixture(Durability.Process)) is { } missing) Assert.Skip(missing);
    }
}
