using static Sluice.Testing.Rig;

namespace Sluice.Testing;

/// <summary>Members of a group: their heartbeats, their names, and the instance that holds a name.</summary>
internal static class MemberScenarios
{
    public static async Task HeartbeatsAreCounted(Rig rig)
    {
        await rig.PrepareAsync();
        await rig.BeatAsync("a");
        await rig.BeatAsync("b");
        Expect.Equal(new(HeartbeatStatus.Accepted, new("a", 2, "a1", 10 * Second)), await rig.BeatAsync("a"), "the answer to a heartbeat");
        await rig.Store.HeartbeatAsync(new(Main, "b", "b1", 20 * Second));
        Expect.Same([new MemberInfo("a", 2, "a1", 10 * Second), new MemberInfo("b", 2, "b1", 20 * Second)], await MembersAsync(rig),
            "members, each with its own lease duration");
        await rig.Store.LeaveAsync(Main, "a", "a1");
        Expect.Same(["b"], (await MembersAsync(rig)).Select(member => member.Name), "members after one has left");
        await Expect.ThrowsAsync<ArgumentException>(() => rig.Store.HeartbeatAsync(new(Main, "a", "a1", TimeSpan.Zero)).AsTask(),
            "a lease duration of zero");
    }

    public static async Task ASecondInstanceOfANameIsRefused(Rig rig)
    {
        await rig.PrepareAsync();
        await rig.BeatAsync("a");
        HeartbeatResult second = await rig.Store.HeartbeatAsync(new(Main, "a", "a2", 99 * Second));
        Expect.Equal(new(HeartbeatStatus.Refused, new("a", 1, "a1", 10 * Second)), second, "the answer to the second instance");
        await rig.BeatAsync("a");
        Expect.Same([new MemberInfo("a", 2, "a1", 10 * Second)], await MembersAsync(rig), "members: the first instance only");
    }

    public static async Task ASilentInstanceIsReplacedOnce(Rig rig)
    {
        await rig.PrepareAsync();
        MemberInfo silent = (await rig.BeatAsync("a")).Holder;
        HeartbeatRequest second = new(Main, "a", "a2", 10 * Second) { Replaces = silent };
        await rig.BeatAsync("a");
        Expect.Equal(HeartbeatStatus.Refused, (await rig.Store.HeartbeatAsync(second)).Status,
            "replacing an instance that has sent a heartbeat since");
        second = second with { Replaces = silent with { Heartbeats = 2 } };
        HeartbeatResult replaced = await rig.Store.HeartbeatAsync(second);
        Expect.Equal(new(HeartbeatStatus.Accepted, new("a", 3, "a2", 10 * Second)), replaced, "replacing one that has not");
        Expect.Equal(HeartbeatStatus.Refused, (await rig.Store.HeartbeatAsync(second with { Instance = "a3" })).Status,
            "a third instance that has found the first one silent, too");
        Expect.Equal(HeartbeatStatus.Refused, (await rig.BeatAsync("a")).Status, "a heartbeat of the first instance");
        Expect.Equal(HeartbeatStatus.Accepted, (await rig.Store.HeartbeatAsync(second with { Replaces = null })).Status,
            "a heartbeat of the second one");
    }

    public static async Task AnInstanceLeavesForItselfOnly(Rig rig)
    {
        await rig.PrepareAsync();
        MemberInfo silent = (await rig.BeatAsync("a")).Holder;
        await rig.Store.HeartbeatAsync(new(Main, "a", "a2", 10 * Second) { Replaces = silent });
        await rig.Store.LeaveAsync(Main, "a", "a1");
        Expect.Same(["a2"], (await MembersAsync(rig)).Select(member => member.Instance), "instances, after the former one has left late");
        await rig.Store.LeaveAsync(Main, "a", "a2");
        Expect.Equal(HeartbeatStatus.Accepted, (await rig.Store.HeartbeatAsync(new(Main, "a", "a3", Second))).Status,
            "a third instance, when the second one has left");
    }

    // The answer to the lease of a suspect and the release were lost: the owner acquires its partition again.
    public static async Task AnOwnerThatTakesAnewIsNotChargedWithACrash(Rig rig)
    {
        PartitionState state = await SuspectAloneAsync(rig, "b1");
        Expect.Same([(1L, WaitingStatus.Suspect, 0)], state.Waiting.Select(entry => (entry.Entry.Sequence, entry.Status, entry.Attempts)),
            "what waits when the same instance has taken anew");
    }

    public static async Task AnotherInstanceOfAnOwnerIsChargedWithItsCrash(Rig rig)
    {
        PartitionState state = await SuspectAloneAsync(rig, "b2");
        Expect.Same([(1L, WaitingStatus.Suspect, 1)], state.Waiting.Select(entry => (entry.Entry.Sequence, entry.Status, entry.Attempts)),
            "what waits when another instance has taken the partition");
    }

    public static async Task TheStoreTellsItsTime(Rig rig)
    {
        await rig.PrepareAsync();
        DateTimeOffset before = await rig.Store.GetTimeAsync();
        await rig.AddAsync("a");
        DateTimeOffset stamped = (await rig.Store.ReadAsync(new(Orders, 0, 1))).Entries.Span[0].Time;
        DateTimeOffset after = await rig.Store.GetTimeAsync();
        Expect.True(before <= stamped && stamped <= after,
            $"an entry is stamped with the store's time ({before:O}, {stamped:O}, {after:O})");
        await rig.PassAsync(2 * Second);
        DateTimeOffset later = await rig.Store.GetTimeAsync();
        Expect.True(later - after >= 2 * Second, $"time passes ({after:O}, {later:O})");
    }

    // Member b has leased a suspect to run it alone; then an instance of b acquires the partition again.
    private static async Task<PartitionState> SuspectAloneAsync(Rig rig, string taker)
    {
        await rig.PrepareAsync();
        await rig.AddAsync("a");
        (Ownership owner, _) = await rig.TakeAsync("a", instance: "a1");
        await rig.LeaseAsync(owner);
        (owner, _) = await rig.TakeAsync("b", instance: "b1");
        Quarantine? quarantine = await rig.Store.AcquireQuarantineAsync(Main, "b", 0);
        Expect.Equal(1, (await rig.LeaseAsync(owner, quarantine: quarantine)).Length, "suspects that are leased");
        return (await rig.TakeAsync("b", instance: taker)).State;
    }

    private static async Task<IReadOnlyList<MemberInfo>> MembersAsync(Rig rig) => (await rig.Store.FindGroupAsync(Main))!.Members;
}
