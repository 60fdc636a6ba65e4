using static Sluice.Testing.Rig;

namespace Sluice.Testing;

internal static class DrainScenarios
{
    public static async Task ADrainIsAPauseThatSaysMore(Rig rig)
    {
        await PrepareAsync(rig);
        await rig.AddAsync("a");
        (Ownership owner, _) = await rig.TakeAsync();
        await rig.Store.DrainGroupAsync(Main);
        LeaseResult lease = await rig.Store.LeaseAsync(new([owner]));
        Expect.Equal((0, true), (lease.Batches.Count, lease.IsPaused), "entries of a lease, and whether it says that the group is paused");
        DateTimeOffset at = await IsDrainingAsync(rig, true, "it was drained");
        await rig.PassAsync(Second);
        await rig.Store.DrainGroupAsync(Main);
        await rig.Store.PauseGroupAsync(Main, true);
        Expect.Equal(at, await IsDrainingAsync(rig, true, "it was drained and paused again"), "when the drain began");
        Expect.True(await rig.Store.ReleaseAsync(owner), "a partition is released during a drain");
        (owner, _) = await rig.TakeAsync();
        await rig.Store.PauseGroupAsync(Main, false);
        await IsDrainingAsync(rig, false, "it was resumed");
        Expect.Same(["a"], Texts(await rig.LeaseAsync(owner)), "what is leased after the drain");
        await rig.Store.PauseGroupAsync(Main, true);
        at = await IsDrainingAsync(rig, false, "it was paused");
        await rig.PassAsync(Second);
        await rig.Store.DrainGroupAsync(Main);
        Expect.True(await IsDrainingAsync(rig, true, "a paused group was drained") > at, "the drain has a time of its own");
    }

    public static Task ADrainSurvivesAClose(Rig rig) => SurvivesAsync(rig, kill: false);

    public static Task ADrainSurvivesAKill(Rig rig) => SurvivesAsync(rig, kill: true);

    public static async Task AMissingGroupCannotBeDrained(Rig rig)
    {
        await rig.PrepareAsync();
        foreach (GroupId missing in new GroupId[] { new(Orders, "other"), new("nothing", "main") })
            await Expect.ThrowsAsync<StreamStoreException>(() => rig.Store.DrainGroupAsync(missing).AsTask(), $"draining {missing}");
    }

    public static async Task ADrainByAnotherHandleWakesWaitingMembers(Rig rig)
    {
        await PrepareAsync(rig);
        (Ownership owner, _) = await rig.TakeAsync();
        if (await rig.OpenSecondAsync() is not { } second) return;
        await using (second)
        {
            long seen = await rig.Store.WaitForEntriesAsync(Orders, [0], -1);
            await rig.Store.LeaseAsync(new([owner]));
            Task<long> waits = BehindAsync(seen, () => rig.Store.WaitForEntriesAsync(Orders, [0], seen));
            await second.DrainGroupAsync(Main);
            await Expect.SoonAsync(waits, "a drain by another handle wakes members");
            await IsDrainingAsync(rig, true, "another handle drained it");
        }
    }

    private static async Task PrepareAsync(Rig rig)
    {
        await rig.PrepareAsync();
        await NeedsAsync("drain groups", () => rig.Store.DrainGroupAsync(Main));
        await rig.Store.PauseGroupAsync(Main, false);
    }

    private static async Task SurvivesAsync(Rig rig, bool kill)
    {
        await PrepareAsync(rig);
        await rig.Store.DrainGroupAsync(Main);
        DateTimeOffset at = await IsDrainingAsync(rig, true, "it was drained");
        await rig.ReopenAsync(kill);
        Expect.Equal(at, await IsDrainingAsync(rig, true, "the store was opened again"), "when the drain began");
        await rig.Store.PauseGroupAsync(Main, false);
        await rig.ReopenAsync(kill);
        Expect.Equal(false, (await rig.Store.FindGroupAsync(Main))!.IsDraining, "it is draining after a resumption");
    }

    private static async Task<DateTimeOffset> IsDrainingAsync(Rig rig, bool isDraining, string when)
    {
        GroupInfo group = (await rig.Store.FindGroupAsync(Main))!;
        GroupBacklog backlog = (await rig.Store.FindStreamAsync(Orders))!.Groups.Single(one => one.Name == Main.Name);
        Expect.Equal((isDraining, group.PausedAt), (group.IsDraining, backlog.PausedAt), $"the group is draining: {when}");
        Expect.Equal(isDraining, backlog.IsDraining, $"the stream says that it is draining: {when}");
        return group.PausedAt ?? default;
    }
}
