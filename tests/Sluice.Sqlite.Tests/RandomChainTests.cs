using Sluice.Tests.Delivery;

namespace Sluice.Sqlite.Tests;

/// <summary>
/// Chains of consecutors over a store file whose process dies at random calls of the store. The same chains run over the memory store.
/// </summary>
public class RandomChainTests
{
    private static readonly int First = int.Parse(Environment.GetEnvironmentVariable("SLUICE_SEED") ?? "1");
    private static readonly int Count = Environment.GetEnvironmentVariable("SLUICE_SEED") is null
        ? int.Parse(Environment.GetEnvironmentVariable("SLUICE_CHAINS") ?? "4") : 1;

    [Fact]
    public async Task EachItemCompletesOnceDespiteCrashes()
    {
        for (int seed = First; seed < First + Count; seed++)
        {
            using var directory = new TempDirectory();
            await using SqliteStreamStore store = await SqliteStreamStore.OpenAsync(directory.File("chain.db"), Durability.Process);
            try
            {
                await new RandomChain(seed, store).PlayAsync(TestContext.Current.CancellationToken);
            }
            catch (Exception e)
            {
                throw new InvalidOperationException($"SLUICE_SEED={seed} repeats it: {e.Message}", e);
            }
        }
    }
}
