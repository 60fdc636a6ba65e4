using static Sluice.Testing.Rig;

namespace Sluice.Testing;

/// <summary>What a group or a stream leaves behind when it is gone: nothing, also for the next one of its name.</summary>
internal static class RemovalScenarios
{
    public static async Task AGroupOfTheNameOfARemovedOneIsNew(Rig rig)
    {
        await rig.PrepareAsync();
        await UseAsync(rig);
        Expect.Equal(true, await rig.Store.RemoveGroupAsync(Main), "the group was there to remove");
        await rig.Store.AddGroupAsync(Main, StreamStart.New);
        await IsNewAsync(rig, "a group that was removed and made again");
        await rig.ReopenAsync(kill: true);
        await IsNewAsync(rig, "a group that was removed and made again, after a kill");
    }

    public static async Task AStreamOfTheNameOfADeletedOneIsNew(Rig rig)
    {
        await rig.PrepareAsync();
        await UseAsync(rig);
        await rig.Store.OpenReaderAsync(Orders, "reader");
        Expect.Equal(true, await rig.Store.DeleteStreamAsync(Orders), "the stream was there to delete");
        await rig.Store.OpenStreamAsync(Orders, new() { Partitions = 1 });
        await rig.Store.AddGroupAsync(Main);
        for (int look = 0; look < 2; look++)
        {
            string what = $"a stream that was deleted and made again{(look == 0 ? "" : ", after a kill")}";
            StreamInfo stream = (await rig.Store.FindStreamAsync(Orders))!;
            Expect.Equal((0L, 0L, 0, 1), (stream.Items, stream.Appended, stream.Readers.Count, stream.Groups.Count),
                $"items, entries ever appended, readers and groups of {what}");
            await IsNewAsync(rig, what);
            Expect.Equal(0, (await rig.Store.OpenProducerAsync(Orders, "adder")).Last, $"the last number of a producer of {what}");
            if (look == 0) await rig.ReopenAsync(kill: true);
        }
    }

    // One entry has ended, one is dead, one waits, one is new, and one is derived; the owner has the quarantine, state and a file.
    private static async Task UseAsync(Rig rig)
    {
        await rig.AddAsync("a", "b", "c", "d");
        await rig.BeatAsync("a");
        (Ownership owner, _) = await rig.TakeAsync();
        await rig.LeaseAsync(owner, 3);
        using EntryBatch derived = Batch("derived");
        await rig.CommitAsync(new(owner, 1)
        {
            Settled = [new(1, 2)],
            Dead = [new(2, "node", "dead", 1)],
            Deferred = [new(3, 1, null, "node", "parked")],
            Derived = derived,
            State = [new("sum", "", 0, Bytes("42"))],
            FileLengths = [new("file", 42)],
        });
        Expect.True(await rig.Store.AcquireQuarantineAsync(Main, "a", 0) is not null, "the quarantine is free");
    }

    private static async Task IsNewAsync(Rig rig, string what)
    {
        Expect.Equal(0L, await rig.BacklogAsync(), $"outstanding entries of {what}");
        Expect.Equal(0, (await rig.Store.ListDeadAsync(Main)).Count, $"letters of {what}");
        Expect.Equal(0, (await rig.Store.ListWaitingAsync(Main, 0)).Count, $"waiting entries of {what}");
        Expect.Equal(0, (await rig.Store.ListStateNodesAsync(Main, 0)).Count, $"nodes with state of {what}");
        Expect.Equal(0, (await rig.Store.ReadStateAsync(Main, 0, "sum", [""])).Count, $"rows of state of {what}");
        GroupInfo group = (await rig.Store.FindGroupAsync(Main))!;
        Expect.Equal((0, null), (group.Members.Count, group.QuarantineOwner), $"members, and the owner of the quarantine, of {what}");
        (Ownership owner, PartitionState state) = await rig.TakeAsync();
        Expect.Equal((0L, 0, 0), (state.LastCommit, state.FileLengths.Count, state.Waiting.Count),
            $"last commit, file lengths and waiting entries of a partition of {what}");
        await rig.Store.ReleaseAsync(owner);
    }
}
