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
        Assert.False(watch.IsSilent("a"));           // one look after a time without any
        SeeForLeaseTimes(1, group);
        Assert.True(watch.IsSilent("a"));
    }

    /// <remarks>A store that answers slowly must not keep the partitions of a dead member with it for ever.</remarks>
    [Fact]
    public void LooksThatAreFarApartAddUp()
    {
        GroupInfo group = Group(owner: "a", Beats("a", 1));
        See(group);
        for (int look = 1; look <= 3; look++)
        {
            Assert.False(watch.IsSilent("a"));
            clock.Advance(2 * LeaseTime);
            See(group);
        }
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
        SeeForLeaseTimes(10, after);
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
        for (int third = 1; third <= 3; third++)
        {
            Assert.False(watch.IsSilent("a"));
            clock.Advance(LeaseTime / 3);
            See(Group(owner: "a", Beats("b", third + 1)));
        }
        Assert.True(watch.IsSilent("a"));
    }

    /// <remarks>While the store was away, the holder of the name could send no heartbeat.</remarks>
    [Fact]
    public async Task ANameIsNotTakenFromAHolderThatTheStoreCouldNotHear()
    {
        CancellationToken cancellation = TestContext.Current.CancellationToken;
        await using var store = new MemoryStreamStore(clock);
        var id = new GroupId("work", "work");
        await store.OpenStreamAsync("work", new() { Partitions = 1 }, cancellation);
        await store.AddGroupAsync(id, cancellation: cancellation);
        var beat = new HeartbeatRequest(id, "a", "holder", LeaseTime);
        await store.HeartbeatAsync(beat, cancellation);
        var instance = new MemberInstance();
        await using var away = new AwayStore(store);
        Task<GroupInfo> joining = new GroupMember(away, id, "a", instance, LeaseTime, clock).JoinAsync(static _ => { }, cancellation);
        await clock.WaitForTimersAsync(1, cancellation);
        clock.Advance(LeaseTime / 6);
        await away.IsAsked.Task.WaitAsync(cancellation);
        clock.Advance(2 * LeaseTime);
        away.MayAnswer.SetResult();
        await Task.WhenAny(joining, clock.WaitForTimersAsync(1, cancellation));
        Assert.False(joining.IsCompleted);
        await store.HeartbeatAsync(beat, cancellation);
        clock.Advance(LeaseTime / 3);
        await Assert.ThrowsAsync<MemberInUseException>(() => joining);
        instance.End();
    }

    /// <remarks>Removing them one by one would delay this member's own heartbeat for longer than its lease duration.</remarks>
    [Fact]
    public async Task ThousandsOfDeadMembersAreRemovedInSeveralBeats()
    {
        CancellationToken cancellation = TestContext.Current.CancellationToken;
        await using var store = new MemoryStreamStore(clock);
        var id = new GroupId("work", "work");
        await store.OpenStreamAsync("work", new() { Partitions = 1 }, cancellation);
        await store.AddGroupAsync(id, cancellation: cancellation);
        for (int number = 0; number < 2_000; number++)
            await store.HeartbeatAsync(new(id, $"dead-{number}", $"instance-{number}", LeaseTime), cancellation);
        var instance = new MemberInstance();
        var member = new GroupMember(store, id, "living", instance, LeaseTime, clock);
        var heartbeat = new GroupHeartbeat(member, watch, LeaseTime, clock, static () => false, static () => false);
        GroupInfo joined = await member.JoinAsync(static _ => { }, cancellation);
        See(joined);
        SeeForLeaseTimes(10, joined);
        int beats = 0;
        for (int count = 2_001; count > 1; beats++)
        {
            GroupInfo group = (await heartbeat.SendAsync(cancellation)).Group;
            See(group);
            await heartbeat.RemoveGoneAsync(group, cancellation);
            int left = (await store.FindGroupAsync(id, cancellation))!.Members.Count;
            Assert.InRange(count - left, 1, 100);
            count = left;
        }
        instance.End();
        Assert.InRange(beats, 20, 40);
    }

    /// <summary>Answers the second heartbeat when the test says so.</summary>
    private sealed class AwayStore(IStreamStore inner) : StreamStoreWrapper(inner, leaveOpen: true)
    {
        private int beats;

        public TaskCompletionSource IsAsked { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
        public TaskCompletionSource MayAnswer { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public override async ValueTask<HeartbeatResult> HeartbeatAsync(HeartbeatRequest request, CancellationToken cancellation = default)
        {
            HeartbeatResult result = await base.HeartbeatAsync(request, cancellation);
            if (++beats != 2) return result;
            IsAsked.SetResult();
            await MayAnswer.Task.WaitAsync(cancellation);
            return result;
        }
    }

    private void SeeForLeaseTimes(int count, GroupInfo group)
    {
        for (int third = 0; third < 3 * count; third++)
        {
            clock.Advance(LeaseTime / 3);
            See(group);
        }
    }

    private void See(GroupInfo group) => watch.See(group, clock.GetTimestamp());

    private static MemberInfo Beats(string name, long count) => new(name, count, $"{name}-1", LeaseTime);

    private static GroupInfo Group(string? owner, params MemberInfo[] members)
        => new(members, [new(0, 1, owner, 0, 0, 0, 0, 0)], null, 0);
}
