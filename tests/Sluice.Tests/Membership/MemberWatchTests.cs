using Sluice.Membership;
using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Tests.Membership;

/// <summary>The rules by which a member decides which other members are alive.</summary>
public class MemberWatchTests
{
    private static readonly TimeSpan LeaseTime = TimeSpan.FromSeconds(30);

    private readonly TestClock clock = new();
    private readonly MemberWatch watch;

    public MemberWatchTests() => watch = new(clock);

    /// <remarks>The process was paused between the answer of the store and its use.</remarks>
    [Fact]
    public void AnOldAnswerDoesNotProveThatAMemberWasSilent()
    {
        GroupInfo group = Group(owner: "a", Beats("a", 1));
        See(group);
        long askedAt = clock.GetTimestamp();
        clock.Advance(10 * LeaseTime);
        watch.See(group, askedAt);
        Assert.False(watch.IsSilent("a"));
        See(group);
        Assert.True(watch.IsSilent("a"));
    }

    [Fact]
    public void AMemberThatWasPausedDoesNotRemoveALivingOne()
    {
        See(Group(owner: null, Beats("a", 1)));
        clock.Advance(100 * LeaseTime);
        Assert.Empty(watch.Gone(Group(owner: null, Beats("a", 1))));
        GroupInfo after = Group(owner: null, Beats("a", 900));
        Assert.Empty(watch.Gone(after));
        See(after);
        Assert.Empty(watch.Gone(after));
        clock.Advance(10 * LeaseTime);
        See(after);
        Assert.Single(watch.Gone(after));
    }

    [Fact]
    public void AMemberThatWasHeardLongAgoDoesNotCountAsHeard()
    {
        See(Group(owner: "a", Beats("a", 1)));
        Assert.False(watch.HasBeenHeard("a"));
        See(Group(owner: "a", Beats("a", 2)));
        Assert.True(watch.HasBeenHeard("a"));
        clock.Advance(LeaseTime);                    // without a look
        Assert.False(watch.HasBeenHeard("a"));
    }

    /// <remarks>Otherwise each name that was ever used would stay in memory.</remarks>
    [Fact]
    public void AMemberThatHasLeftIsForgotten()
    {
        See(Group(owner: null, Beats("a", 1), Beats("b", 1)));
        Assert.False(watch.IsSilent("a"));
        See(Group(owner: null, Beats("b", 2)));
        Assert.True(watch.IsSilent("a"));
        Assert.False(watch.IsSilent("b"));
    }

    [Fact]
    public void AnOwnerThatIsNoMemberIsSilentAfterItsLeaseDuration()
    {
        See(Group(owner: "a", Beats("a", 1), Beats("b", 1)));
        clock.Advance(LeaseTime / 2);
        See(Group(owner: "a", Beats("b", 2)));
        Assert.False(watch.IsSilent("a"));
        clock.Advance(LeaseTime / 2);
        See(Group(owner: "a", Beats("b", 3)));
        Assert.True(watch.IsSilent("a"));
    }

    private void See(GroupInfo group) => watch.See(group, clock.GetTimestamp());

    private static MemberInfo Beats(string name, long count) => new(name, count, $"{name}-1", LeaseTime);

    private static GroupInfo Group(string? owner, params MemberInfo[] members)
        => new(members, [new(0, 1, owner, 0, 0, 0, 0, 0)], null, 0);
}
