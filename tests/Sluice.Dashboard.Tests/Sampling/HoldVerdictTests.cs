using Sluice.Dashboard.Sampling;
using Sluice.Diagnostics;

namespace Sluice.Dashboard.Tests.Sampling;

/// <summary>The sentences about a pause and a drain, by what the store shows of members and partitions.</summary>
public sealed class HoldVerdictTests
{
    private static readonly DateTimeOffset Since = new(2026, 1, 2, 3, 4, 5, TimeSpan.Zero);

    private static readonly StoreSource Store = new("main", new MemoryStreamStore());

    // A negative number in flight: at a later attempt.
    public static TheoryData<string, bool, (string Member, MemberStatus Status)[], (string? Owner, long InFlight)[], long> Cases => new()
    {
        { "Is paused since 2026-01-02 03:04:05 UTC: it accepts items, and begins none. At most 2 items are in flight. Resume it.",
            false, [("a", MemberStatus.Alive)], [("a", 2)], 5 },
        // an item at its second attempt
        { "Is paused since 2026-01-02 03:04:05 UTC: it accepts items, and begins none. At most 1 item is in flight. Resume it.",
            false, [("a", MemberStatus.Alive)], [("a", -1)], 1 },
        { "Is paused since 2026-01-02 03:04:05 UTC: it accepts items, and begins none. Nothing is in flight: its processes can be "
            + "stopped. Resume it.", false, [("a", MemberStatus.Alive)], [("a", 0)], 5 },
        { "Drains since 2026-01-02 03:04:05 UTC: it begins no item. 2 of 3 partitions are not released yet, with at most 3 items in "
            + "flight. `a` has 1 partition, and releases it when its items have ended. `b` has 1 partition, and releases it when its "
            + "items have ended. 5 items stay in the store. Resume it to go on.",
            true, [("a", MemberStatus.Alive), ("b", MemberStatus.Alive)], [("a", 2), ("b", 1), (null, 0)], 5 },
        { "Drains since 2026-01-02 03:04:05 UTC: it begins no item. 2 of 2 partitions are not released yet, with nothing in flight. `old` "
            + "has 2 partitions, and releases them with its next heartbeat. If it does not, its version of Sluice knows no drain, or "
            + "Sink.ToFile writes there: it begins nothing, and can be stopped. No item waits. Resume it to go on.",
            true, [("old", MemberStatus.Alive)], [("old", 0), ("old", 0)], 0 },
        { "Drains since 2026-01-02 03:04:05 UTC: it begins no item. 1 of 2 partitions is not released yet, with at most 1 item in flight. "
            + "`a` has died or hangs, with 1 partition: what it had in flight runs again after the resumption. 1 item stays in the "
            + "store. Resume it to go on.", true, [("a", MemberStatus.Silent)], [("a", 1), (null, 7)], 1 },
        { "Drains since 2026-01-02 03:04:05 UTC: it begins no item. 1 of 1 partition is not released yet, with at most 1 item in flight. "
            + "`gone` has died or hangs, with 1 partition: what it had in flight runs again after the resumption. 1 item stays in the "
            + "store. Resume it to go on.", true, [], [("gone", 1)], 1 },
        { "Is drained since 2026-01-02 03:04:05 UTC: nothing is in flight, and no process has a partition. Its processes can be stopped. "
            + "1,200 items stay in the store. Resume it to go on.", true, [("a", MemberStatus.Alive)], [(null, 3)], 1200 },
        { "Is drained since 2026-01-02 03:04:05 UTC, and no process runs it. No item waits. Resume it to go on.",
            true, [], [(null, 0), (null, 0)], 0 },
    };

    [Theory]
    [MemberData(nameof(Cases))]
    public void ASentenceSaysHowFarItIs(string sentence, bool isDraining, (string Member, MemberStatus Status)[] members,
        (string? Owner, long InFlight)[] partitions, long backlog)
    {
        var look = new GroupLook(new("orders", "orders"), [.. members.Select(one => new MemberLook(one.Member, one.Status, "1",
            TimeSpan.FromSeconds(30), TimeSpan.Zero, partitions.Count(own => own.Owner == one.Member)))],
            [.. partitions.Select(static (one, at) => new PartitionInfo(at, 1, one.Owner, 0, 100, 10 + Math.Max(0, one.InFlight), 10, 0)
            {
                InFlightAgain = Math.Max(0, -one.InFlight)
            })], null);
        var group = new GroupBacklog("orders", backlog, 0, 0) { PausedAt = Since, IsDraining = isDraining };
        var info = new StreamInfo("orders", new(), null, 0, 0, 0, [group], []);
        var sample = new ConsecutorSample("orders", Store, null)
        {
            Stream = new(info, [new(group, null)], null),
            Group = new(look, null),
            Ended = new(TimeProvider.System),
            Waiting = new(TimeProvider.System),
            Verdict = new(Urgency.Fine, ""),
        };
        Assert.Equal((Urgency.Held, sentence), (HoldVerdict.Of(sample)!.Urgency, HoldVerdict.Of(sample)!.Text));

        // a loss is told as long as the process lives, and hides no pause
        sample = sample with { Snapshot = new("orders", ConsecutorStatus.Running, null) { Loss = "The store has lost items." } };
        Verdict verdict = ConsecutorVerdict.Of(sample, new(Store, ["orders"], new Dictionary<string, StreamLook>(),
            new Dictionary<GroupId, GroupDetail>(), null, null), null);
        Assert.Equal((Urgency.Failing, $"{sentence} The store has lost items."), (verdict.Urgency, verdict.Text));
    }
}
