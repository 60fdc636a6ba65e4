namespace Sluice.Tests.Deliveries;

/// <summary>
/// Random chains of consecutors, lines, diamonds and cycles, whose process dies at random calls of the store: each item comes to its end once, in the order of its key where nothing branches, and
/// the batch that they were sent in is complete then, and counted right.
/// </summary>
public class RandomChainTests
{
    private static readonly int First = int.Parse(Environment.GetEnvironmentVariable("SLUICE_SEED") ?? "1");
    private static readonly int Count = Environment.GetEnvironmentVariable("SLUICE_SEED") is null ? int.Parse(Environment.GetEnvironmentVariable("SLUICE_CHAINS") ?? "60") : 1;

    [Fact]
    public async Task WhateverDiesEachItemComesToItsEndOnce()
    {
        for (int seed = First; seed < First + Count; seed++)
        {
            try
            {
                await using var store = new MemoryStreamStore();
                await new RandomChain(seed, store).PlayAsync(TestContext.Current.CancellationToken);
            }
            catch (Exception e)
            {
                throw new InvalidOperationException($"SLUICE_SEED={seed} repeats it: {e.Message}", e);
            }
        }
    }
}
