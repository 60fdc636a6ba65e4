using Sluice.Testing;

namespace Sluice.Tests.Delivery;

/// <summary>Random chains of consecutors (lines, diamonds and cycles) whose process dies at random calls of the store. Each item ends once,
/// in the order of its key where nothing branches. Then the batch of the items is complete, and its counts are right.</summary>
public class RandomChainTests
{
    private static readonly int First = int.Parse(Environment.GetEnvironmentVariable("SLUICE_SEED") ?? "1");
    private const int LooksInATenth = 20;            // of a second: how fast the clock is
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);         // real time: on a busy machine looks tell nothing

    [Fact]
    public async Task EachItemOfAChainEndsOnceDespiteCrashes()
    {
        for (int seed = First; seed < First + Count(Repetitions.Of(20, all: 60)); seed++)
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

    [Fact]
    public async Task EachItemOfAChainEndsOnceDespiteLostAnswers()
    {
        for (int seed = First; seed < First + Count(Repetitions.Of(60, all: 300)); seed++)
        {
            var clock = new TestClock();
            await using var inner = new MemoryStreamStore(clock);
            var store = new LossyStore(inner, seed, clock);
            try
            {
                using var standstill = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
                standstill.CancelAfter(Patience);
                Task chain = new RandomChain(seed, store,
                    clock)
                { AtWork = isAtWork => store.IsHealthy = !isAtWork }.PlayAsync(standstill.Token);
                for (int i = 1; !chain.IsCompleted; i++)
                {
                    if (i % LooksInATenth == 0) clock.Advance(TimeSpan.FromSeconds(0.1));
                    await Member.NextAsync();
                }
                await chain;
            }
            catch (Exception e)
            {
                throw new InvalidOperationException($"SLUICE_SEED={seed} may repeat it: {e.Message}\n{store}", e);
            }
        }
    }

    private static int Count(int usual)
        => Environment.GetEnvironmentVariable("SLUICE_SEED") is not null ? 1
        : Environment.GetEnvironmentVariable("SLUICE_CHAINS") is { } wanted ? int.Parse(wanted) : usual;
}
