using Sluice.Tests.Delivery;

namespace Sluice.Redis.Tests;

/// <summary>
/// Chains of consecutors over Redis whose process dies at random calls of the store. The same chains run over the memory store.
/// </summary>
public class RandomChainTests(SharedServer server)
{
    private static readonly int First = int.Parse(Environment.GetEnvironmentVariable("SLUICE_SEED") ?? "1");
    private static readonly int Count = Environment.GetEnvironmentVariable("SLUICE_SEED") is null
        ? int.Parse(Environment.GetEnvironmentVariable("SLUICE_CHAINS") ?? "4") : 1;

    [Fact]
    public async Task EachItemCompletesOnceDespiteCrashes()
    {
        for (int seed = First; seed < First + Count; seed++)
        {
            await using RedisStreamStore store = await RedisStreamStore.ConnectAsync(server.Address,
                Patient.Options with { Prefix = SharedServer.NewPrefix() });
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
