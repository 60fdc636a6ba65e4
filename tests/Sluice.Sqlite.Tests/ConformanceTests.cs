using Sluice.Testing;

namespace Sluice.Sqlite.Tests;

public class ConformanceTests
{
    public static TheoryData<string> Scenarios => [.. StreamStoreContract.Scenarios];

    [Theory]
    [MemberData(nameof(Scenarios))]
    public async Task KeepsTheContract(string scenario)
        => Assert.Null(await StreamStoreContract.RunAsync(scenario, new SqliteStoreFixture(Durability.Process)));

    [Theory]
    [MemberData(nameof(Scenarios))]
    public async Task KeepsTheContractWithFewRecentBlocks(string scenario)
        => Assert.Null(await StreamStoreContract.RunAsync(scenario, new SqliteStoreFixture(Durability.Process, recentBlocks: 2)));

    [Theory]
    [InlineData(100, 256)]
    [InlineData(200, 3)]
    [InlineData(300, 0)]
    public async Task LongRandomWalksAgreeWithTheModel(int first, int recentBlocks)
    {
        int walks = Environment.GetEnvironmentVariable("SLUICE_WALKS") is { } asked ? int.Parse(asked) : Repetitions.Of(1, all: 4);
        for (int seed = first; seed < first + walks; seed++)
        {
            var fixture = new SqliteStoreFixture(Durability.Process, recentBlocks);
            await StreamStoreContract.RunRandomAsync(seed, 300, fixture);
            Assert.Equal(0, fixture.Early);
        }
    }
}
