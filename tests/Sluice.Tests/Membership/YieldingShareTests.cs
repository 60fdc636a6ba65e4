namespace Sluice.Tests.Membership;

/// <summary>Members that release at the same time leave the partitions to the member that they are meant for.</summary>
public class YieldingShareTests
{
    private static readonly TimeSpan Third = ShareLab.LeaseTime / 3;

    /// <remarks>Formerly each of the two acquired one of the free partitions, as it had room: 6, 6, 4 again, at each heartbeat.</remarks>
    [Fact]
    public void TwoMembersThatReleaseAtOnceDoNotAcquireEachOthersPartition()
    {
        var (lab, larger, smaller) = Start();
        ReleaseAtOnce(lab, larger);
        Assert.Equal([5, 5, 4], Counts(lab));
        foreach (ShareMember member in larger)       // before the third one looks
        {
            member.Beat();
            member.Act();
        }
        smaller.Beat();
        smaller.Act();
        Assert.Equal([5, 5, 6], Counts(lab));

        long moves = lab.Moves;
        for (int third = 0; third < 9; third++)
        {
            lab.Clock.Advance(Third);
            foreach (ShareMember member in (ShareMember[])[.. larger, smaller]) member.Beat();
            foreach (ShareMember member in (ShareMember[])[.. larger, smaller]) member.Act();
        }
        Assert.Equal(moves, lab.Moves);
    }

    [Fact]
    public void IfTheSmallerMemberIsPausedTheOthersTakeThePartitionsAfterALeaseDurationAndKeepThem()
    {
        var (lab, larger, paused) = Start();         // sends heartbeats, and acquires nothing
        ReleaseAtOnce(lab, larger);
        long moves = lab.Moves;
        for (int third = 1; third <= 4; third++)
        {
            Look();
            Assert.Equal(third < 4 ? moves : moves + 2, lab.Moves);
        }
        Assert.Equal(12, Counts(lab)[..2].Sum());
        for (int third = 0; third < 11; third++) Look();          // four lease durations
        Assert.Equal(moves + 2, lab.Moves);

        void Look()
        {
            lab.Clock.Advance(Third);
            paused.Beat();
            foreach (ShareMember member in larger)
            {
                member.Beat();
                member.Act();
            }
        }
    }

    [Fact]
    public void APartitionOfAMemberThatLeavesIsAcquiredAtOnceAfterARelease()
    {
        var (lab, larger, smaller) = Start();
        ReleaseAtOnce(lab, larger);
        lab.Leave(larger[1].Name);
        larger[0].Beat();
        larger[0].Act();
        Assert.Equal([8, 0, 4], Counts(lab));
        smaller.Beat();
        smaller.Act();
        Assert.Equal([8, 0, 8], Counts(lab));
    }

    private static (ShareLab Lab, ShareMember[] Larger, ShareMember Smaller) Start()
    {
        var lab = new ShareLab(16);
        ShareMember[] members = [new(lab, "a"), new(lab, "b"), new(lab, "c")];
        members[0].Acquire(0, 1, 2, 3, 4, 5);
        members[1].Acquire(6, 7, 8, 9, 10, 11);
        members[2].Acquire(12, 13, 14, 15);
        foreach (ShareMember member in members) member.Beat();
        return (lab, members[..2], members[2]);
    }

    private static void ReleaseAtOnce(ShareLab lab, ShareMember[] larger)
    {
        lab.Clock.Advance(Third);
        foreach (ShareMember member in larger) member.Beat();
        foreach (ShareMember member in larger) member.Act();
    }

    private static int[] Counts(ShareLab lab) => [.. "abc".Select(name => lab.Owners.Count(owner => owner == name))];
}
