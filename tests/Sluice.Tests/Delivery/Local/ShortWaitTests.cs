using Sluice.Delivery;
using Sluice.Testing;

namespace Sluice.Tests.Delivery.Local;

/// <summary>The wait of a pump that is faster than its producers.</summary>
public sealed class ShortWaitTests
{
    private static readonly TimeSpan Look = TimeSpan.FromMicroseconds(5);

    private readonly TestClock clock = new();
    private int looks;

    [Fact]
    public void ItLooksForItemsUntilTheyHaveComeOrTimeHasPassed()
    {
        ShortWait wait = Make(() => looks == 3);
        wait.Taken(ShortWait.FewItems);
        Assert.True(wait.ForItems());
        Assert.Equal(3, looks);
        wait.Taken(ShortWait.FewItems);
        Assert.False(wait.ForItems());
        Assert.Equal(8, looks);                      // for 25 µs
    }

    [Fact]
    public void ItDoesNotWaitAfterAFewItemsNorTwiceNorOnOneProcessor()
    {
        ShortWait wait = Make(() => true);
        Assert.False(wait.ForItems());
        wait.Taken(ShortWait.FewItems - 1);
        Assert.False(wait.ForItems());
        wait.Taken(ShortWait.FewItems);
        Assert.True(wait.ForItems());
        Assert.False(wait.ForItems());               // nothing was taken since
        ShortWait alone = Make(() => true, processors: 1);
        alone.Taken(ShortWait.FewItems);
        Assert.False(alone.ForItems());
        Assert.Equal(1, looks);
    }

    [Fact]
    public void AWaitInVainLeavesOutTheNextOnesUntilItemsHaveComeAgain()
    {
        bool hasItems = false;
        ShortWait wait = Make(() => hasItems);
        foreach (int left in (int[])[1, 3, 7, 15, 31, ShortWait.MaxPause, ShortWait.MaxPause])
        {
            Assert.True(Looks(wait));
            for (int i = 0; i < left; i++) Assert.False(Looks(wait));
        }
        hasItems = true;
        Assert.True(Looks(wait));
        hasItems = false;
        Assert.True(Looks(wait));
        Assert.False(Looks(wait));                   // one again
        Assert.True(Looks(wait));
    }

    private ShortWait Make(Func<bool> hasItems, int processors = 2) => new(() =>
    {
        looks++;
        clock.Advance(Look);
        return hasItems();
    }, processors, clock);

    private bool Looks(ShortWait wait)
    {
        int before = looks;
        wait.Taken(ShortWait.FewItems);
        wait.ForItems();
        return looks > before;
    }
}
