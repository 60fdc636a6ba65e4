using Sluice.Storage;
using Sluice.Tests.Delivery;

namespace Sluice.PostgreSql.Tests;

/// <summary>
/// Chains of consecutors over PostgreSQL whose process dies at random calls of the store. The same chains run over the memory store.
/// </summary>
public class RandomChainTests
{
    private static readonly int First = int.Parse(Environment.GetEnvironmentVariable("SLUICE_SEED") ?? "1");
    private static readonly int Count = Environment.GetEnvironmentVariable("SLUICE_SEED") is null
        ? int.Parse(Environment.GetEnvironmentVariable("SLUICE_CHAINS") ?? "2") : 1;

    [Fact]
    public async Task EachItemCompletesOnceDespiteCrashes()
    {
        for (int seed = First; seed < First + Count; seed++)
        {
            await using IStreamStore store = await EmptiedSchema.OpenStoreAsync(new());
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
