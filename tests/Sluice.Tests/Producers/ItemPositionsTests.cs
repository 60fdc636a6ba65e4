using Sluice.Engine;
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
        var ring = new TicketRing(0);
        List<Ticket> tickets = [];
        SortedDictionary<long, string> known = [];
        int oldest = 0;
        for (int step = 0; step < 3_000; step++)
        {
            for (int passed = random.Next(3); passed > 0; passed--) tickets.Add(ring.Next());
            if (random.Next(40) == 0)
                for (int next = random.Next(oldest, tickets.Count + 1); oldest < next; oldest++) tickets[oldest].Settle(Outcome.Completed);
            int number = tickets.Count;
            positions.Add(number, $"at {number}", ring);
            tickets.Add(ring.Next());
            known[number] = $"at {number}";
            long sought = random.NextInt64(oldest, tickets.Count + 1);
            Assert.Equal(known.TryGetValue(sought, out string? expected), positions.TryFind(sought, out string? found));
            Assert.Equal(expected, found);
        }
    }

    /// <remarks>Formerly the items of a burst were remembered until as many others had come.</remarks>
    [Fact]
    public void ItemsThatHaveEndedAreForgottenAlsoAfterABurst()
    {
        const int Burst = 5_000, Behind = 64;
        var positions = new ItemPositions<string>();
        var ring = new TicketRing(0);
        List<Ticket> tickets = [.. Enumerable.Range(0, Burst).Select(Begin)];
        Assert.True(positions.TryFind(0, out _));
        foreach (Ticket one in tickets) one.Settle(Outcome.Completed);
        for (int i = Burst; i < Burst + Behind; i++) Begin(i);
        Assert.False(positions.TryFind(Burst - 1, out _));

        Ticket Begin(int number)
        {
            positions.Add(number, $"at {number}", ring);
            return ring.Next();
        }
    }
}
