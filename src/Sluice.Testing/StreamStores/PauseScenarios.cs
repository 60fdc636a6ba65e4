using static Sluice.Testing.Rig;

namespace Sluice.Testing;

internal static class PauseScenarios
{
    private static readonly GroupId Other = new(Orders, "other");

    public static async Task APausedGroupLeasesNothingAndKeepsItsRetries(Rig rig)
    {
        (Ownership owner, _) = await PrepareAsync(rig, "a", "b", "c");
        await rig.LeaseAsync(owner, 2);
        await rig.CommitAsync(new(owner, 1) { Deferred = [new(1, 1, 4 * Second, "parse", "no number")] });
        await rig.Store.PauseGroupAsync(Main, true);
        await rig.PassAsync(5 * Second);
        await IsPausedAsync(rig, owner, "a retry is due and an entry is new");
        await rig.SettleAsync(owner, 2, 2);
        await rig.AddAsync("d");
        Expect.Equal(3, await rig.BacklogAsync(), "outstanding entries: what was in progress has ended, and a new one was accepted");
        await rig.Store.PauseGroupAsync(Main, false);
        Expect.Same([("a", 2), ("c", 1), ("d", 1)], (await rig.LeaseAsync(owner)).Select(entry => (Text(entry), entry.Attempt)),
            "what is leased after the pause");
        Expect.Equal(false, (await rig.Store.LeaseAsync(new([owner]))).IsPaused, "the group is paused");
        Expect.Equal(null, (await rig.Store.FindGroupAsync(Main))!.PausedAt, "when it was paused");
    }

    public static Task APauseSurvivesAClose(Rig rig) => SurvivesAsync(rig, kill: false);

    public static Task APauseSurvivesAKill(Rig rig) => SurvivesAsync(rig, kill: true);

    public static async Task PausingTwiceKeepsTheFirstTime(Rig rig)
    {
        (Ownership owner, _) = await PrepareAsync(rig, "a");
        DateTimeOffset before = await rig.Store.GetTimeAsync();
        await rig.Store.PauseGroupAsync(Main, true);
        DateTimeOffset at = (await rig.Store.FindGroupAsync(Main))!.PausedAt!.Value;
        Expect.True(at >= before && at <= await rig.Store.GetTimeAsync(), "the pause began at the store's time");
        await rig.PassAsync(Second);
        await rig.Store.PauseGroupAsync(Main, true);
        Expect.Equal(at, (await rig.Store.FindGroupAsync(Main))!.PausedAt, "when it was paused, after a second pause");
        Expect.Equal(at, (await rig.Store.FindStreamAsync(Orders))!.Groups[0].PausedAt, "when it was paused, says the stream");
        await rig.Store.PauseGroupAsync(Main, false);
        await rig.Store.PauseGroupAsync(Main, false);
        Expect.Same(["a"], Texts(await rig.LeaseAsync(owner)), "what is leased after two resumptions");
        await rig.Store.PauseGroupAsync(Main, true);
        Expect.True((await rig.Store.FindGroupAsync(Main))!.PausedAt > at, "a new pause has a time of its own");
    }

    public static async Task APauseIsOfOneGroup(Rig rig)
    {
        (Ownership owner, _) = await PrepareAsync(rig, "a");
        await rig.Store.AddGroupAsync(Other);
        Ownership theirs = (await rig.Store.AcquireAsync(Other, 0, new("a"))).Ownership;
        await rig.Store.PauseGroupAsync(Main, true);
        LeaseResult both = await rig.Store.LeaseAsync(new([owner, theirs]));
        Expect.Same([theirs], both.Batches.Select(batch => batch.Owner), "who gets entries, of both groups");
        Expect.Equal(true, both.IsPaused, "one of both is paused");
        Expect.Equal(false, (await rig.Store.LeaseAsync(new([theirs]))).IsPaused, "the other group is paused");
        Expect.Equal(false, (await rig.Store.FindGroupAsync(Other))!.IsPaused, "the other group is paused, it says itself");
        await rig.Store.RemoveGroupAsync(Main);
        await rig.Store.AddGroupAsync(Main);
        Expect.Equal(false, (await rig.Store.FindGroupAsync(Main))!.IsPaused, "a group that was removed and made again is paused");
    }

    public static async Task AMissingGroupCannotBePaused(Rig rig)
    {
        await rig.PrepareAsync();
        foreach (GroupId missing in new GroupId[] { Other, new("nothing", "main") })
            foreach (bool isPaused in new[] { true, false })
                await Expect.ThrowsAsync<StreamStoreException>(() => rig.Store.PauseGroupAsync(missing, isPaused).AsTask(),
                    $"pausing {missing}, or resuming it");
    }

    public static async Task AResumptionWakesWaitingMembers(Rig rig)
    {
        (Ownership owner, _) = await PrepareAsync(rig, "a");
        foreach (bool isPaused in new[] { true, false })
        {
            long seen = await rig.Store.WaitForEntriesAsync(Orders, [0], -1);
            long all = await rig.Store.WaitForChangeAsync(Orders, -1);
            await rig.Store.LeaseAsync(new([owner]));
            Task<long> waits = BehindAsync(seen, () => rig.Store.WaitForEntriesAsync(Orders, [0], seen)),
                waitsForAll = BehindAsync(all, () => rig.Store.WaitForChangeAsync(Orders, all));
            await rig.Store.PauseGroupAsync(Main, isPaused);
            await Expect.SoonAsync(Task.WhenAll(waits, waitsForAll), isPaused ? "a pause wakes members" : "a resumption wakes members");
        }
    }

    public static async Task AResumptionByAnotherHandleWakesWaitingMembers(Rig rig)
    {
        (Ownership owner, _) = await PrepareAsync(rig, "a");
        if (await rig.OpenSecondAsync() is not { } second) return;
        await using (second)
        {
            await second.PauseGroupAsync(Main, true);
            long seen = await rig.Store.WaitForEntriesAsync(Orders, [0], -1);
            await IsPausedAsync(rig, owner, "another handle has paused the group");
            Task<long> waits = BehindAsync(seen, () => rig.Store.WaitForEntriesAsync(Orders, [0], seen));
            await second.PauseGroupAsync(Main, false);
            await Expect.SoonAsync(waits, "a resumption by another handle wakes members");
            Expect.Same(["a"], Texts(await rig.LeaseAsync(owner)), "what is leased then");
        }
    }

    public static async Task APartitionThatMovesWhilePausedStaysPaused(Rig rig)
    {
        (Ownership lost, _) = await PrepareAsync(rig, "a", "b");
        await rig.LeaseAsync(lost, 1);
        await rig.Store.PauseGroupAsync(Main, true);
        (Ownership owner, _) = await rig.TakeAsync("b");
        await IsPausedAsync(rig, owner, "another member has acquired the partition");
        Quarantine quarantine = (await rig.Store.AcquireQuarantineAsync(Main, "b", 0))!.Value;
        LeaseResult suspects = await rig.Store.LeaseAsync(new([owner]) { MaxItems = 1, Quarantine = quarantine });
        Expect.Equal((0, true, false), (suspects.Batches.Count, suspects.IsPaused, suspects.IsQuarantineLost), "a lease of suspects");
        Expect.Same([lost], (await rig.Store.LeaseAsync(new([lost, owner]))).Stale, "the stale owner, in a lease of a paused group");
        await rig.Store.PauseGroupAsync(Main, false);
        Expect.Same(["a"], Texts(await rig.LeaseAsync(owner, 1, quarantine)), "the suspect");
        Expect.Same(["b"], Texts(await rig.LeaseAsync(owner)), "what waited");
    }

    public static async Task APausedGroupHasNotEnded(Rig rig)
    {
        (Ownership owner, _) = await PrepareAsync(rig);
        await rig.Store.EndStreamAsync(Orders, StreamEnd.Complete);
        await rig.Store.PauseGroupAsync(Main, true);
        LeaseResult lease = await rig.Store.LeaseAsync(new([owner]));
        Expect.Equal((true, false), (lease.IsPaused, lease.IsEnded), "paused and ended");
        await rig.Store.PauseGroupAsync(Main, false);
        Expect.Equal(true, (await rig.Store.LeaseAsync(new([owner]))).IsEnded, "it has ended");
    }

    private static async Task SurvivesAsync(Rig rig, bool kill)
    {
        (Ownership owner, _) = await PrepareAsync(rig, "a");
        await rig.Store.PauseGroupAsync(Main, true);
        DateTimeOffset at = (await rig.Store.FindGroupAsync(Main))!.PausedAt!.Value;
        await rig.ReopenAsync(kill);
        Expect.Equal(at, (await rig.Store.FindGroupAsync(Main))!.PausedAt, "when it was paused");
        await IsPausedAsync(rig, owner, "the store was opened again");
        await rig.Store.PauseGroupAsync(Main, false);
        await rig.ReopenAsync(kill);
        Expect.Same(["a"], Texts(await rig.LeaseAsync(owner)), "what is leased after the resumption");
    }

    private static async Task<(Ownership Owner, PartitionState State)> PrepareAsync(Rig rig, params string[] payloads)
    {
        await rig.PrepareAsync();
        await NeedsAsync("pause groups", () => rig.Store.PauseGroupAsync(Main, false));
        if (payloads.Length > 0) await rig.AddAsync(payloads);
        return await rig.TakeAsync();
    }

    private static async Task IsPausedAsync(Rig rig, Ownership owner, string when)
    {
        LeaseResult lease = await rig.Store.LeaseAsync(new([owner]));
        Expect.Equal((0, true, null, 0), (lease.Batches.Count, lease.IsPaused, lease.NextDue, lease.Stale.Count),
            $"entries, pause, next due time and stale partitions of a lease: {when}");
        Expect.Equal(lease.PausedAt, (await rig.Store.FindGroupAsync(Main))!.PausedAt, "when it was paused");
    }
}
