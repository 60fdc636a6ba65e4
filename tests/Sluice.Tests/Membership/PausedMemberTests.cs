namespace Sluice.Tests.Membership;

/// <summary>A process that was paused knows nothing of the time that it has missed. Other members have sent heartbeats meanwhile.</summary>
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
        paused.Beat();
        Assert.Equal([0, 1, 2, 3], paused.ToAcquire());
    }
}
