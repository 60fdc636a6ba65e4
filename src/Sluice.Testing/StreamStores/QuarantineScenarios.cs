using static Sluice.Testing.Rig;

namespace Sluice.Testing;

internal static class QuarantineScenarios
{
    public static async Task WhatASilentOwnerHadInFlightIsSuspectAndUncharged(Rig rig)
    {
        await rig.PrepareAsync();
        await rig.AddAsync("a", "b", "c", "d");
        (Ownership owner, _) = await rig.TakeAsync("a");
        await rig.LeaseAsync(owner, 3);
        await rig.CommitAsync(new(owner, 1) { Settled = [new(2, 2)], Deferred = [new(1, 1, TimeSpan.Zero, "node", "failed")] });
        await rig.LeaseAsync(owner, 1);
        await rig.ReopenAsync(kill: true);
        (owner, PartitionState state) = await rig.TakeAsync("b");
        Expect.Same([(1L, WaitingStatus.Suspect, 1), (3L, WaitingStatus.Suspect, 0)],
            state.Waiting.Select(entry => (entry.Entry.Sequence, entry.Status, entry.Attempts)), "what waits");
        Expect.Equal((3L, 3L), (state.Dispatched, state.Done), "dispatched and done");
        Expect.Same(["d"], Texts(await rig.LeaseAsync(owner)), "what is leased outside of the quarantine");
    }

    public static async Task SuspectsAreLeasedInQuarantineOnlyAndOneAtATime(Rig rig)
    {
        (Ownership owner, Quarantine quarantine) = await CrashedAsync(rig);
        Expect.Equal(0, (await rig.LeaseAsync(owner)).Length, "entries leased outside of the quarantine");
        Entry[] first = await rig.LeaseAsync(owner, quarantine: quarantine);
        Expect.Same([("a", 1)], first.Select(entry => (Text(entry), entry.Attempt)), "the first suspect and its attempt");
        await rig.SettleAsync(owner, 1, 1);
        Expect.Same(["b"], Texts(await rig.LeaseAsync(owner, quarantine: quarantine)), "the second suspect");
        await rig.SettleAsync(owner, 2, 2);
        Expect.Equal(0, (await rig.LeaseAsync(owner, quarantine: quarantine)).Length, "suspects left");
        Expect.Equal(0, await rig.BacklogAsync(), "outstanding entries");
    }

    public static async Task ACrashAloneChargesAnAttempt(Rig rig)
    {
        (Ownership owner, Quarantine quarantine) = await CrashedAsync(rig);
        for (int crash = 1; crash <= 2; crash++)
        {
            Expect.Equal(crash, (await rig.LeaseAsync(owner, quarantine: quarantine)).Single().Attempt, "the attempt of the suspect alone");
            await rig.ReopenAsync(kill: true);
            (owner, PartitionState state) = await rig.TakeAsync("c");
            Expect.Same([("1", crash), ("2", 0)], state.Waiting.Select(entry => ($"{entry.Entry.Sequence}", entry.Attempts)),
                "charges after a crash alone");
            Expect.True(state.Waiting.All(entry => entry.Status == WaitingStatus.Suspect), "both are still suspect");
            quarantine = (await rig.Store.AcquireQuarantineAsync(Main, "c", quarantine.Epoch))!.Value;
        }
    }

    public static async Task AReleasedSuspectStaysOneUncharged(Rig rig)
    {
        (Ownership owner, Quarantine quarantine) = await CrashedAsync(rig);
        await rig.LeaseAsync(owner, quarantine: quarantine);
        await rig.Store.ReleaseAsync(owner);
        (_, PartitionState state) = await rig.TakeAsync("c");
        Expect.Same([(1L, WaitingStatus.Suspect, 0), (2L, WaitingStatus.Suspect, 0)],
            state.Waiting.Select(entry => (entry.Entry.Sequence, entry.Status, entry.Attempts)), "suspects after a clean shutdown");
    }

    public static async Task OneMemberHoldsTheQuarantine(Rig rig)
    {
        (Ownership owner, Quarantine quarantine) = await CrashedAsync(rig);
        Expect.Equal(null, await rig.Store.AcquireQuarantineAsync(Main, "c", quarantine.Epoch - 1),
            "a member that was slower acquires the quarantine");
        Quarantine? taken = await rig.Store.AcquireQuarantineAsync(Main, "c", quarantine.Epoch);
        LeaseResult lost = await rig.Store.LeaseAsync(new([owner]) { Quarantine = quarantine });
        Expect.Equal((true, 0), (lost.IsQuarantineLost, lost.Batches.Count), "a lease with a lost quarantine");
        await rig.Store.ReleaseQuarantineAsync(quarantine);
        Expect.Equal("c", (await rig.Store.FindGroupAsync(Main))!.QuarantineOwner, "the owner, after the former one has released it");
        await rig.Store.ReleaseQuarantineAsync(taken!.Value with { Epoch = taken.Value.Epoch + 1 });
        Expect.Equal("c", (await rig.Store.FindGroupAsync(Main))!.QuarantineOwner,
            "the owner, after a release with an epoch that was never given");
        Expect.Equal(1, (await rig.LeaseAsync(owner, quarantine: taken)).Length, "suspects that the new holder leases");
        await rig.Store.LeaveAsync(Main, "c", "c1");
        GroupInfo group = (await rig.Store.FindGroupAsync(Main))!;
        Expect.Equal((null, taken.Value.Epoch), (group.QuarantineOwner, group.QuarantineEpoch),
            "the quarantine after its holder has left");
    }

    public static async Task AReleasedQuarantineIsFree(Rig rig)
    {
        (Ownership owner, Quarantine quarantine) = await CrashedAsync(rig);
        await rig.Store.ReleaseQuarantineAsync(quarantine);
        GroupInfo group = (await rig.Store.FindGroupAsync(Main))!;
        Expect.Equal((null, quarantine.Epoch), (group.QuarantineOwner, group.QuarantineEpoch), "owner and epoch after the release");
        LeaseResult without = await rig.Store.LeaseAsync(new([owner]) { Quarantine = quarantine });
        Expect.Equal((true, 0), (without.IsQuarantineLost, without.Batches.Count), "a lease with a released quarantine");
        await rig.ReopenAsync(kill: true);
        Quarantine? next = await rig.Store.AcquireQuarantineAsync(Main, "c", quarantine.Epoch);
        Expect.True(next?.Epoch > quarantine.Epoch, "another member acquires it, with a higher epoch");
        Expect.Equal(1, (await rig.LeaseAsync(owner, quarantine: next)).Length, "suspects that it leases");
    }

    // Two entries were in flight with a dead owner.
    private static async Task<(Ownership, Quarantine)> CrashedAsync(Rig rig)
    {
        Ownership crashed = await rig.LeaseNewAsync("a", "b");
        (Ownership owner, _) = await rig.TakeAsync("b");
        Quarantine? quarantine = await rig.Store.AcquireQuarantineAsync(Main, "b", 0);
        return (owner, quarantine!.Value);
    }
}
