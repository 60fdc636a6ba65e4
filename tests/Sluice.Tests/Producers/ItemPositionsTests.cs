using Sluice.Producers;

namespace Sluice.Tests.Producers;

public class ItemPositionsTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void EachItemThatHasNotEndedIsFound(int seed)
    {
        var random = new Random(seed);
        var positions = new ItemPositions<string>();
        SortedDictionary<long, string> known = [];
        long next = 0, oldest = 0;
        for (int step = 0; step < 3_000; step++)
        {
            next += random.Next(1, 4);                                   // some were passed over
            if (random.Next(40) == 0) oldest = random.NextInt64(oldest, next + 1);
            positions.Add(next, $"at {next}", oldest);
            known[next] = $"at {next}";
            long sought = random.NextInt64(oldest, next + 2);
            Assert.Equal(known.TryGetValue(sought, out string? expected), positions.TryFind(sought, out string? found));
            Assert.Equal(expected, found);
        }
    }
}
