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

    public static async Task AnOwnerOfARemovedGroupIsVoidInTheNextOne(Rig rig)
    {
        await rig.PrepareAsync();
        (Ownership former, Quarantine lost) = await UseAsync(rig);
        Expect.Equal(true, await rig.Store.RemoveGroupAsync(Main), "the group was there to remove");
        await rig.Store.AddGroupAsync(Main);
        await IsVoidAsync(rig, former, lost, "a group that was removed and made again");
    }

    public static async Task AnOwnerOfADeletedStreamIsVoidInTheNextOne(Rig rig)
    {
        await rig.PrepareAsync();
        ProducerState sender = await rig.Store.OpenProducerAsync(Orders, "sender");
        (Ownership former, Quarantine lost) = await UseAsync(rig);
        Expect.Equal(true, await rig.Store.DeleteStreamAsync(Orders), "the stream was there to delete");
        await rig.Store.OpenStreamAsync(Orders, new() { Partitions = 1 });
        await rig.Store.AddGroupAsync(Main);
        // Before an heir: what the producer has appended is gone, so its process has to learn that.
        await Expect.ThrowsAsync<StoreRolledBackException>(() => rig.AppendAsync(1, ["late"], sender.Epoch, "sender"),
            "an append of the producer of a deleted stream, before an heir");
        ProducerState heir = await rig.Store.OpenProducerAsync(Orders, "sender");
        Expect.True(heir.Epoch > sender.Epoch,
            $"the epoch {heir.Epoch} of a producer is above {sender.Epoch}, which the producer of the deleted stream had");
        Expect.Equal(AppendStatus.Refused, (await rig.AppendAsync(1, ["late"], sender.Epoch, "sender")).Status,
            "an append of the producer of a deleted stream");
        await IsVoidAsync(rig, former, lost, "a stream that was deleted and made again");
    }

    // The heir has acquired the partition and the quarantine as often as the former owner had.
    private static async Task IsVoidAsync(Rig rig, Ownership former, Quarantine lost, string what)
    {
        await rig.AddAsync("e", "f");
        // Before the heir acquires: the former owner has a higher epoch than the partition, but the store has lost nothing.
        Expect.Same([former], (await rig.Store.LeaseAsync(new([former]))).Stale,
            $"what is stale in a lease of the former owner of {what}, before an heir");
        Expect.Equal(CommitStatus.Stale, (await rig.Store.CommitAsync(new(former, 2))).Status,
            $"a commit of the former owner of {what}, before an heir");
        Expect.Equal(ReserveStatus.Stale, await rig.Store.ReserveAsync(former, Results, 1, 1),
            $"a reservation of the former owner of {what}, before an heir");
        Expect.Equal(false, await rig.Store.ReleaseAsync(former), $"a release by the former owner of {what}, before an heir");
        (Ownership heir, _) = await rig.TakeAsync("b");
        Expect.Equal(true, (await rig.Store.LeaseAsync(new([heir]) { Quarantine = lost })).IsQuarantineLost,
            $"whether the former quarantine of {what} is lost before the next");
        Expect.True(await rig.Store.AcquireQuarantineAsync(Main, "b", 0) is not null, $"the quarantine of {what} is free");
        Entry[] leased = await rig.LeaseAsync(heir, 1);
        LeaseResult none = await rig.Store.LeaseAsync(new([former]));
        Expect.Same([former], none.Stale, $"what is stale in a lease of the former owner of {what}");
        Expect.Equal(0, none.Batches.Count, $"what the former owner of {what} leases");
        Expect.Equal(true, (await rig.Store.LeaseAsync(new([heir]) { Quarantine = lost })).IsQuarantineLost,
            $"whether the former quarantine of {what} is lost");
        Expect.Equal(ReserveStatus.Stale, await rig.Store.ReserveAsync(former, Results, 1, 1),
            $"a reservation of the former owner of {what}");
        SequenceRange first = new(leased[0].Sequence, leased[0].Sequence);
        for (int sequence = 1; sequence <= 2; sequence++)
            Expect.Equal(CommitStatus.Stale, (await rig.Store.CommitAsync(new(former, sequence) { Settled = [first] })).Status,
                $"commit {sequence} of the former owner of {what}");
        Expect.Equal(false, await rig.Store.ReleaseAsync(former), $"a release by the former owner of {what}");
        await rig.Store.ReleaseQuarantineAsync(lost);
        Expect.Equal("b", (await rig.Store.FindGroupAsync(Main))!.QuarantineOwner, $"the owner of the quarantine of {what}");
        await rig.CommitAsync(new(heir, 1) { Settled = [first] });
        Expect.Equal(CommitStatus.Stale, (await rig.Store.CommitAsync(new(former, 1) { Settled = [first] })).Status,
            $"commit 1 of the former owner of {what}, when the heir's was applied");
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
    private static async Task<(Ownership Owner, Quarantine Quarantine)> UseAsync(Rig rig)
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
        Quarantine? quarantine = await rig.Store.AcquireQuarantineAsync(Main, "a", 0);
        Expect.True(quarantine is not null, "the quarantine is free");
        return (owner, quarantine!.Value);
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
