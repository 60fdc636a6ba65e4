using Sluice.Delivery;
using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Tests.Delivery;

public class StoppedPartitionsTests
{
    /// <remarks>Regression: the pause and the warning began anew after each commit of another item, so the handler of the refused one ran
    /// again each second.</remarks>
    [Fact]
    public void ARefusalAmongGoodCommitsIsTriedAgainAfterPausesThatGrowAndWarnedOfOnce()
    {
        var clock = new TestClock();
        List<string> warnings = [];
        var options = new ConsecutorOptions { OnWarning = warnings.Add };
        var stopped = new StoppedPartitions("orders", clock, new(), new(), new("orders", options, static () => { }));
        var partition = new OwnedPartition(new(new("orders", "orders"), 3, 1),
            new(0, 0, 0, [], new Dictionary<string, long>()), default);
        List<int> pauses = [];
        for (int refusal = 0; refusal < 8; refusal++)
        {
            stopped.Refuse(partition, "The entry 7 is gone.");
            Assert.Equal(3, Assert.Single(stopped.All).Partition);
            stopped.Taken(3);                        // an acquisition tells nothing of commits
            int seconds = 0;
            for (; !stopped.IsDue(3); seconds++) clock.Advance(TimeSpan.FromSeconds(1));
            pauses.Add(seconds);
            stopped.Committed(3);
            Assert.Empty(stopped.All);
        }
        Assert.Equal([1, 2, 4, 8, 16, 32, 60, 60], pauses);
        Assert.Contains("the store refuses a commit. The entry 7 is gone.", Assert.Single(warnings), StringComparison.Ordinal);

        clock.Advance(TimeSpan.FromMinutes(3));
        stopped.Refuse(partition, "The entry 7 is gone.");
        clock.Advance(TimeSpan.FromSeconds(1));
        Assert.True(stopped.IsDue(3));
        Assert.Equal(2, warnings.Count);
    }
}
