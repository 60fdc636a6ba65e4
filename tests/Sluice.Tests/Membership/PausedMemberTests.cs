namespace Sluice.Tests.Membership;

/// <summary>
/// A process that was paused knows nothing of the time that it has missed: other members may have sent heartbeats. Nor does one whose store
/// was away: no member could send any.
/// </summary>
public class PausedMemberTests
{
    [Fact]
    public void AMemberThatWasPausedAcquiresNothingOfALivingOne()
    {
        var lab = new ShareLab(4);
        ShareMember owner = new(lab, "a"), paused = new(lab, "b");
        owner.Beat();
        owner.Acquire(0, 1, 2, 3);
        paused.Beat();
        for (int beat = 0; beat < 360; beat++)
        {
            lab.Clock.Advance(ShareLab.LeaseTime / 3);
            owner.Beat();
        }
        Assert.Empty(paused.ToAcquire());            // by what it has seen before the pause
        Assert.False(paused.Share.IsStillFree(paused.View.Partitions[0]));
        paused.Beat();
        Assert.Empty(paused.ToAcquire());
        Assert.False(paused.Share.IsStillFree(paused.View.Partitions[0]));
    }

    [Fact]
    public void ADeadMemberIsReplacedOnceALookAfterThePauseHasShownIt()
    {
        var lab = new ShareLab(4);
        ShareMember dead = new(lab, "a"), paused = new(lab, "b");
        dead.Beat();
        dead.Acquire(0, 1, 2, 3);
        paused.Beat();
        lab.Clock.Advance(100 * ShareLab.LeaseTime);
        Assert.Empty(paused.ToAcquire());
        BeatForALeaseTime(lab, paused);
        Assert.Equal([0, 1, 2, 3], paused.ToAcquire());
    }

    /// <summary>No heartbeat arrives while the store is away. The first one to arrive afterwards says nothing about the others.</summary>
    [Fact]
    public void AMemberThatComesBackLaterThanAnotherOneKeepsItsPartitions()
    {
        var lab = new ShareLab(8);
        ShareMember first = new(lab, "a"), second = new(lab, "b");
        foreach (ShareMember member in new[] { first, second }) member.Beat();
        first.Acquire(0, 1, 2, 3);
        second.Acquire(4, 5, 6, 7);
        first.Beat();
        lab.Clock.Advance(10 * ShareLab.LeaseTime);
        first.Beat();
        Assert.Empty(first.ToAcquire());
        lab.Clock.Advance(ShareLab.LeaseTime / 3);
        first.Beat();
        Assert.Empty(first.ToAcquire());
        second.Beat();                               // its connection has come back, too
        BeatForALeaseTime(lab, first, second);
        first.Beat();                                // sees the last heartbeat of the other one, which dies
        Assert.Empty(first.ToAcquire());
        BeatForALeaseTime(lab, first);
        Assert.Equal([4, 5, 6, 7], first.ToAcquire());
    }

    private static void BeatForALeaseTime(ShareLab lab, params ShareMember[] members)
    {
        for (int third = 0; third < 3; third++)
        {
            lab.Clock.Advance(ShareLab.LeaseTime / 3);
            foreach (ShareMember member in members) member.Beat();
        }
    }
}
