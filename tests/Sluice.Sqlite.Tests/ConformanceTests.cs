using Sluice.Testing;

namespace Sluice.Sqlite.Tests;

public class ConformanceTests
{
    public static TheoryData<string> Scenarios => [.. StreamStoreContract.Scenarios];

    [Theory]
    [MemberData(nameof(Scenarios))]
    public async Task KeepsTheContract(string scenario) => await StreamStoreContract.RunAsync(scenario, new SqliteStoreFixture(Durability.Process));

    [Fact]
    public async Task LongRandomWalksAgreeWithTheModel()
    {
        for (int seed = 100; seed < 120; seed++)
        {
            var fixture = new SqliteStoreFixture(Durability.Process);
            await StreamStoreContract.RunRandomAsync(seed, 300, fixture);
            Assert.Equal(0, fixture.Early);
        }
    }
}
