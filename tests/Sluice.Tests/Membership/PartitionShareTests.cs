using Sluice.Membership;
using Sluice.Storage;

namespace Sluice.Tests.Membership;

/// <summary>The rules by which a member decides which partitions it acquires and which it releases.</summary>
public class PartitionShareTests
{
    private static readonly TimeSpan Third = ShareLab.LeaseTime / 3;

    [Fact]
    public void MembersBeginWithDifferentPartitions()
    {
        var (_, members) = Start(8, "a", "b");

        Assert.Equal([0, 1, 2, 3], members[0].ToAcquire());
        Assert.Equal([4, 5, 6, 7], members[1].ToAcquire());
    }

    [Fact]
    public void TheFirstMemberAcquiresAllAndAnotherOneGetsHalf()
    {
        var (lab, members) = Start(8, "a");
        members[0].Act();
        Assert.Equal("aaaaaaaa", lab.Owners);
        var second = new ShareMember(lab, "b");
        second.Beat();
        second.Act();
        Assert.Equal("aaaaaaaa", lab.Owners);        // from a living member nothing is acquired
        Round(lab, members[0], second);
        Assert.Equal("aaaabbbb", lab.Owners);
    }

    [Fact]
    public void PartitionsOfASilentMemberAreTakenOverAfterItsLeaseDuration()
    {
        var (lab, members) = Start(4, "a", "b");
        members[0].Acquire(0, 1, 2, 3);
        members[1].Beat();
        for (int third = 1; third < 3; third++)
        {
            Round(lab, members[1]);
            Assert.Equal("aaaa", lab.Owners);
        }
        Round(lab, members[1]);
        Assert.Equal("bbbb", lab.Owners);
    }

    [Fact]
    public void TheSilenceOfAMemberIsLookedAtAgainBeforeItsPartitionIsAcquired()
    {
        var (lab, members) = Start(4, "a", "b");
        members[0].Acquire(0, 1, 2, 3);
        members[1].Beat();
        for (int third = 0; third < 3; third++, members[1].Beat()) lab.Clock.Advance(Third);
        var wanted = members[1].Share.ToAcquire(members[1].View, members[1].Owned);
        Assert.Equal(4, wanted.Count);
        Assert.All(wanted, partition => Assert.True(members[1].Share.IsStillFree(partition)));

        members[0].Beat();
        members[1].Beat();
        Assert.All(wanted, partition => Assert.False(members[1].Share.IsStillFree(partition)));
    }

    [Theory]
    [InlineData("aaaaaabbbbbbcccc", true)]
    [InlineData("aaaaaabbbbbccccc", false)]
    [InlineData("aaaaaabbbbbcccc-", false)]          // the free partition is for another member
    [InlineData("aaaaaabbbbbbccc-", true)]
    public void ASurplusOfOneIsGivenToAMemberWithTwoFewer(string owners, bool isGiven)
    {
        var (lab, members) = Start(16, "a", "b", "c");
        foreach (ShareMember member in members)
            member.Acquire([.. Enumerable.Range(0, 16).Where(number => owners[number] == member.Name[0])]);
        members[0].Beat();
        Assert.Equal(owners, lab.Owners);

        Assert.Equal(isGiven ? 1 : 0, members[0].ToRelease().Count);
    }

    [Fact]
    public void APartitionThatWasFreeForALeaseDurationIsAcquiredByAnyMemberAndKept()
    {
        var (lab, members) = Start(4, "a", "b");
        ShareMember first = members[0], paused = members[1];          // sends heartbeats, and acquires nothing
        first.Acquire(0, 1);
        for (int third = 0; third < 3; third++)
        {
            paused.Beat();
            first.Beat();
            Assert.Empty(first.ToAcquire());
            lab.Clock.Advance(Third);
        }
        paused.Beat();
        first.Beat();
        first.Act();
        Assert.Equal("aaaa", lab.Owners);
        for (int third = 0; third < 12; third++)
        {
            paused.Beat();
            first.Beat();
            Assert.Empty(first.ToRelease());         // four lease durations
            lab.Clock.Advance(Third);
        }
        paused.Beat();
        first.Beat();
        Assert.Equal(2, first.ToRelease().Count);
    }

    [Fact]
    public void KeptPartitionsMoveWhenMembersCome()
    {
        var (lab, members) = Start(4, "a", "b");
        members[0].Acquire(0, 1);
        for (int third = 0; third < 4; third++) Round(lab, [members[0]], beating: [members[1]]);
        Assert.Equal("aaaa", lab.Owners);
        lab.Beat("c");
        members[0].Beat();
        Assert.Equal(2, members[0].ToRelease().Count);
    }

    [Fact]
    public void APartitionOfWhichNothingEndsForALeaseDurationStays()
    {
        var (lab, members) = Start(2, "a", "b");
        members[0].Acquire(0, 1);
        members[0].InFlight[0] = members[0].InFlight[1] = 7;
        members[0].Beat();
        Assert.Equal([1], members[0].ToRelease());
        for (int third = 0; third < 2; third++) Look();
        members[0].InFlight[1] = 6;                  // one has ended
        for (int third = 0; third < 3; third++) Look();
        Assert.Equal([1], members[0].ToRelease());
        lab.Clock.Advance(Third);
        members[1].Beat();
        members[0].Beat();
        Assert.DoesNotContain(1, members[0].ToRelease());

        void Look()
        {
            lab.Clock.Advance(Third);
            members[1].Beat();
            members[0].Beat();
            Assert.Equal([1], members[0].ToRelease());
        }
    }

    [Fact]
    public void OtherPartitionsLeaveInsteadOfThoseWhoseItemsHang()
    {
        var (lab, members) = Start(4, "a", "b");
        members[0].Acquire(0, 1, 2, 3);
        foreach (int number in (int[])[2, 3]) members[0].InFlight[number] = 1;
        members[0].InFlight[0] = members[0].InFlight[1] = 2;         // the hanging ones are chosen first
        members[0].Beat();
        Assert.Equal([2, 3], members[0].ToRelease().Order());
        for (int third = 0; third < 3; third++)
        {
            lab.Clock.Advance(Third);
            members[1].Beat();
            members[0].Beat();
            members[0].ToRelease();
        }
        members[0].InFlight[0] = members[0].InFlight[1] = 0;
        for (int round = 0; round < 2; round++) Round(lab, members);
        Assert.Equal("bbaa", lab.Owners);
        for (int round = 0; round < 20; round++) Round(lab, members);
        Assert.Equal("bbaa", lab.Owners);            // also when the time is over for which the hanging ones stay
    }

    [Fact]
    public void APartitionThatMayNotLeaveAnyMoreStays()
    {
        var (_, members) = Start(4, "a", "b");
        members[0].Acquire(0, 1, 2, 3);
        members[0].Beat();
        HashSet<int> release = members[0].Share.ToRelease(members[0].View, [.. Enumerable.Range(0, 4)
            .Select(static number => new PartitionInUse(number, 1, IsLeaving: number >= 2, MayLeave: number != 3))]);
        Assert.Equal(2, release.Count);
        Assert.DoesNotContain(3, release);
    }

    [Fact]
    public void AttemptsThatFailDoNotLetAPartitionStayLonger()
    {
        var (lab, members) = Start(4, "a", "b");
        members[0].Acquire(0, 1);
        for (int third = 0; third < 30; third++)     // the store refuses
        {
            Look();
            members[0].ToAcquire();
        }
        Look();
        members[0].Act();
        Assert.Equal("aaaa", lab.Owners);
        for (int third = 0; third < 13; third++) Look();          // four lease durations, from the next look
        Assert.Equal(2, members[0].ToRelease().Count);

        void Look()
        {
            lab.Clock.Advance(Third);
            members[1].Beat();
            members[0].Beat();
            if (members[0].Owned.Count == 4) members[0].ToRelease();
        }
    }

    [Fact]
    public void BusyPartitionsAreReleasedLast()
    {
        var (_, members) = Start(4, "a", "b");
        members[0].Acquire(0, 1, 2, 3);
        (members[0].InFlight[3], members[0].InFlight[1]) = (1, 2);
        members[0].Beat();

        Assert.Equal([0, 2], members[0].ToRelease().Order());
        var share = members[0].Share;
        Assert.Equal([3], share.ToRelease(members[0].View, [.. Enumerable.Range(0, 4)
            .Select(static number => new PartitionInUse(number, 0, IsLeaving: false, MayLeave: number == 3))]));
    }

    [Fact]
    public void WhatTheStoreGaveToTheMemberWithoutItsKnowledgeIsAcquiredBeyondItsShare()
    {
        var (lab, members) = Start(4, "a", "b");
        members[0].Acquire(0, 1, 2);
        var again = new ShareMember(lab, "a");       // it does not know what it owns
        again.Beat();
        Assert.Equal([0, 1, 2], again.ToAcquire());
        Assert.Equal([0, 1, 2], again.ToAcquire(AcquireScope.Own));
        Assert.Equal([0, 1, 2, 3], again.ToAcquire(AcquireScope.All).Order());

        members[0].Beat();
        var before = members[0].View;
        members[0].Release(2);                       // the view is older than the release
        Assert.DoesNotContain(members[0].Share.ToAcquire(before, members[0].Owned), static partition => partition.Partition == 2);
        members[0].Share.ForgetReleases();
        Assert.Contains(members[0].Share.ToAcquire(before, members[0].Owned), static partition => partition.Partition == 2);
    }

    [Fact]
    public void AFailedReleaseIsTakenBack()
    {
        var (lab, members) = Start(2, "a");
        members[0].Acquire(0, 1);
        members[0].Beat();
        var owner = new Ownership(new("work", "work"), 1, lab.Group.Partitions[1].Epoch);
        members[0].Share.NoteRelease(owner);
        Assert.Empty(members[0].Share.ToAcquire(members[0].View, [0]));
        members[0].Share.NoteFailedRelease(owner);
        Assert.Single(members[0].Share.ToAcquire(members[0].View, [0]));
    }

    [Fact]
    public void AMemberMayGetMoreWhileAnotherOneHasTooManyOrAPartitionIsFree()
    {
        var (lab, members) = Start(16, "a", "b", "c");
        members[0].Acquire([.. Enumerable.Range(0, 16)]);
        members[2].Beat();
        Assert.True(members[2].Share.MayGetMore(0));
        members[0].Release(15);
        members[2].Beat();
        Assert.True(members[2].Share.MayGetMore(0));
        for (int round = 0; round < 6; round++) Round(lab, members);
        Assert.All(members, static member => Assert.False(member.Share.MayGetMore(member.Owned.Count)));
    }

    [Fact]
    public void AMemberThatHasLostPartitionsLooksAgain()
    {
        var (_, members) = Start(16, "a", "b");
        members[0].Acquire([.. Enumerable.Range(0, 16)]);
        members[0].Beat();
        Assert.False(members[0].Share.MayGetMore(16));
        Assert.True(members[0].Share.MayGetMore(7));         // the member does not know who owns the other nine
    }

    private static (ShareLab Lab, ShareMember[] Members) Start(int partitions, params string[] names)
    {
        var lab = new ShareLab(partitions);
        ShareMember[] members = [.. names.Select(name => new ShareMember(lab, name))];
        foreach (ShareMember member in members) member.Beat();
        foreach (ShareMember member in members) member.Beat();
        return (lab, members);
    }

    private static void Round(ShareLab lab, params ShareMember[] members) => Round(lab, members, beating: []);

    private static void Round(ShareLab lab, ShareMember[] members, ShareMember[] beating)
    {
        lab.Clock.Advance(Third);
        foreach (ShareMember member in beating) member.Beat();
        foreach (ShareMember member in members)
        {
            member.Beat();
            member.Act();
        }
    }
}
