using Sluice.Tests.Flows;

namespace Sluice.Sqlite.Tests;

/// <summary>Flows over a store file whose services die.</summary>
public class FlowCrashTests
{
    [Fact]
    public async Task ResultsAreTheSameDespiteCrashes()
    {
        using var directory = new TempDirectory();
        for (int seed = 1; seed <= Repetitions.Of(2, all: 3); seed++)
        {
            await using SqliteStreamStore store = await SqliteStreamStore.OpenAsync(directory.File($"flow-{seed}.db"), Durability.Process,
                cancellation: TestContext.Current.CancellationToken);
            await new FlowCrashLab(seed, store, lives: 5).PlayAsync(TestContext.Current.CancellationToken);
        }
    }
}
