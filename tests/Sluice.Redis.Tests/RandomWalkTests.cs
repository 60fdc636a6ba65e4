using Sluice.Testing;

namespace Sluice.Redis.Tests;

/// <summary>Long random walks over the store and a model of it. <c>SLUICE_WALKS=…</c> tries another number of seeds.</summary>
public class RandomWalkTests(SharedServer server)
{
    private const int First = 100;
    private static readonly int Count = Environment.GetEnvironmentVariable("SLUICE_WALKS") is { } asked ? int.Parse(asked)
        : Repetitions.Of(1, all: 2);

    [Fact]
    public async Task LongRandomWalksAgreeWithTheModel()
    {
        for (int seed = First; seed < First + Count; seed++) await StreamStoreContract.RunRandomAsync(seed, 300,
            new RedisStoreFixture(server.Address, timeStands: true));
    }
}
