using static Sluice.Testing.Rig;

namespace Sluice.Testing;

internal static class OwnershipScenarios
{
    public static async Task EntriesAreLeasedOnceAndInOrder(Rig rig)
    {
        await rig.PrepareAsync();
        await rig.AddAsync("a", "b", "c");
        await rig.AddAsync("d");
        (Ownership owner, PartitionState state) = await rig.TakeAsync();
        Expect.Equal((0L, 0L, 0L, 0), (state.Dispatched, state.Done, state.LastCommit, state.Waiting.Count), "a new partition's state");
        Entry[] first = await rig.LeaseAsync(owner, 2);
        Entry[] second = await rig.LeaseAsync(owner);
        Expect.Same(["a", "b"], Texts(first), "the first lease");
        Expect.Same(["c", "d"], Texts(second), "the second lease");
        Expect.Same([1, 1, 1, 1], first.Concat(second).Select(entry => entry.Attempt), "attempts");
        Expect.Equal(0, (await rig.LeaseAsync(owner)).Length, "entries in a third lease");
        PartitionInfo partition = (await rig.Store.FindGroupAsync(Main))!.Partitions[0];
        Expect.Equal((4L, 4L, 0L, "a"), (partition.Tail, partition.Dispatched, partition.Done, partition.Owner),
            "tail, dispatched, done, owner");
    }

    public static async Task AFormerOwnerIsStaleInEverything(Rig rig)
    {
        await rig.PrepareAsync();
        await rig.AddAsync("a", "b");
        (Ownership former, _) = await rig.TakeAsync("a");
        await rig.LeaseAsync(former, 1);
        (Ownership owner, _) = await rig.TakeAsync("b");
        Expect.True(owner.Epoch > former.Epoch, "a taking raises the epoch");
        Expect.Same([former], (await rig.Store.LeaseAsync(new([former]))).Stale, "a lease of the former owner is stale");
        CommitResult result = await rig.Store.CommitAsync(new(former, 1) { Settled = [new(1, 1)] });
        Expect.Equal(CommitStatus.Stale, result.Status, "its commit");
        Expect.Equal(ReserveStatus.Stale, await rig.Store.ReserveAsync(former, Results, 1, 1), "its reservation");
        Expect.Equal(false, await rig.Store.ReleaseAsync(former), "its release");
        Expect.Equal(2, await rig.BacklogAsync(), "outstanding entries");
        Expect.Same(["b"], Texts(await rig.LeaseAsync(owner)), "what the new owner leases");
    }

    public static async Task ALeaseThatNobodyTookStillCommits(Rig rig)
    {
        Ownership owner = await rig.LeaseNewAsync("a");
        await rig.PassAsync(5 * Second);
        await rig.ReopenAsync(kill: false);
        await rig.SettleAsync(owner, 1, 1);
        Expect.Equal(0, await rig.BacklogAsync(), "outstanding entries");
    }

    public static async Task ADelayedCommitOfALostAndRegainedPartitionIsVoid(Rig rig)
    {
        Ownership lost = await rig.LeaseNewAsync("a", "b");
        using EntryBatch output = Batch("delayed");
        StoreCommit delayed = Rig.FirstCommit(lost, new(1, 2), output, "delayed");
        (Ownership between, _) = await rig.TakeAsync("b");
        await rig.Store.ReleaseAsync(between);
        (Ownership regained, PartitionState state) = await rig.TakeAsync("a");
        Expect.Equal(2, state.Waiting.Count, "suspects of the first owner");
        Expect.Equal(CommitStatus.Stale, (await rig.Store.CommitAsync(delayed)).Status, "the delayed commit");
        await rig.CommitAsync(new(regained, 1) { State = [new("sum", "", 0, Bytes("regained"))] });
        Expect.Equal(CommitStatus.Stale, (await rig.Store.CommitAsync(delayed)).Status,
            "the delayed commit, of a number that was used since");
        Expect.Equal(0, (await rig.ReadAsync()).Length, "outputs");
        Expect.Equal(2, await rig.BacklogAsync(), "outstanding entries");
    }

    public static async Task AReleaseChargesNothing(Rig rig)
    {
        await rig.PrepareAsync();
        await rig.AddAsync("a", "b", "c", "d");
        (Ownership owner, _) = await rig.TakeAsync();
        await rig.LeaseAsync(owner, 3);
        await rig.CommitAsync(new(owner, 1) { Settled = [new(2, 2)], Deferred = [new(3, 1, TimeSpan.Zero, "node", "failed")] });
        Expect.Same(["c"], Texts(await rig.LeaseAsync(owner, 1)), "the retry");
        Expect.Equal(true, await rig.Store.ReleaseAsync(owner), "the release");
        Expect.Equal(CommitStatus.Stale, (await rig.Store.CommitAsync(new(owner, 2) { Settled = [new(1, 1)] })).Status,
            "a commit after the release");
        await rig.ReopenAsync(kill: true);
        (owner, PartitionState state) = await rig.TakeAsync("b");
        Expect.Same([(3L, WaitingStatus.Retrying, 1)], state.Waiting.Select(entry => (entry.Entry.Sequence, entry.Status, entry.Attempts)),
            "what waits");
        Entry[] leased = await rig.LeaseAsync(owner);
        Expect.Same([("c", 2), ("a", 1), ("d", 1)], leased.Select(entry => (Text(entry), entry.Attempt)),
            "what is leased then, at which attempt");
        await rig.CommitAsync(new(owner, 2) { Settled = [new(3, 4), new(1, 1)] });
        Expect.Equal(0, await rig.BacklogAsync(), "outstanding entries");
    }

    public static async Task OfSeveralTakersOneGetsThePartition(Rig rig)
    {
        await rig.PrepareAsync();
        AcquireResult first = await rig.Store.AcquireAsync(Main, 0, new("a") { ExpectedEpoch = 0 });
        AcquireResult second = await rig.Store.AcquireAsync(Main, 0, new("b") { ExpectedEpoch = 0 });
        Expect.Equal((AcquireStatus.Taken, AcquireStatus.Changed), (first.Status, second.Status), "two takings of the same epoch");
        Expect.Equal("a", (await rig.Store.FindGroupAsync(Main))!.Partitions[0].Owner, "the owner");
    }

    public static async Task ATakingRaisesTheEpochAboveWhatItsMemberKnows(Rig rig)
    {
        await rig.PrepareAsync();
        (Ownership first, _) = await rig.TakeAsync();
        long known = first.Epoch + 100_000_000_000;
        AcquireResult taken = await rig.Store.AcquireAsync(Main, 0, new("b") { KnownEpoch = known });
        Expect.True(taken.Ownership.Epoch > known, $"the epoch {taken.Ownership.Epoch} is above {known}, which the member knows");
        await rig.ReopenAsync(kill: true);
        (Ownership next, _) = await rig.TakeAsync();
        Expect.True(next.Epoch > taken.Ownership.Epoch, "the next taking raises the epoch further");
    }

    public static async Task ANewerPartitionIsRefused(Rig rig)
    {
        await rig.PrepareAsync();
        (Ownership owner, _) = await rig.TakeAsync("new", version: 2);
        await rig.Store.ReleaseAsync(owner);
        (owner, _) = await rig.TakeAsync("old", version: 1);
        await rig.Store.ReleaseAsync(owner);
        (owner, _) = await rig.TakeAsync("new", version: 2);
        await rig.CommitAsync(new(owner, 1));
        AcquireResult refused = await rig.Store.AcquireAsync(Main, 0, new("old") { Version = 1 });
        Expect.Equal((AcquireStatus.Newer, 2), (refused.Status, refused.Version), "an old member takes what a newer one has written");
        await rig.CommitAsync(new(owner, 2));
    }

    public static async Task AGroupWithoutMembersLosesNothing(Rig rig)
    {
        await rig.PrepareAsync();
        await rig.AddAsync("a", "b");
        await rig.BeatAsync("a");
        await rig.Store.LeaveAsync(Main, "a", "a1");
        await rig.Store.OpenReaderAsync(Orders, "fast");
        await rig.Store.MoveReaderAsync(new(Orders, "fast", 0, 3));
        await rig.PassAsync(10 * Second);
        await rig.ReopenAsync(kill: true);
        await rig.AddAsync("c");
        (Ownership owner, _) = await rig.TakeAsync();
        Expect.Same(["a", "b", "c"], Texts(await rig.LeaseAsync(owner)), "what is leased after the night");
    }

    public static async Task AnEpochThatWasNeverGivenMeansThatTheStoreWentBack(Rig rig)
    {
        await rig.PrepareAsync();
        await rig.AddAsync("a");
        (Ownership owner, _) = await rig.TakeAsync();
        Ownership lost = owner with { Epoch = owner.Epoch + 1 };
        await Expect.ThrowsAsync<StoreRolledBackException>(() => rig.Store.LeaseAsync(new([lost])).AsTask(), "a lease");
        await Expect.ThrowsAsync<StoreRolledBackException>(() => rig.Store.CommitAsync(new(lost, 1)).AsTask(), "a commit");
        await Expect.ThrowsAsync<StoreRolledBackException>(() => rig.Store.ReserveAsync(lost, Results, 1, 1).AsTask(), "a reservation");
        await Expect.ThrowsAsync<StoreRolledBackException>(() => rig.Store.ReleaseAsync(lost).AsTask(), "a release");
        Quarantine quarantine = (await rig.Store.AcquireQuarantineAsync(Main, "a", 0))!.Value;
        quarantine = quarantine with { Epoch = quarantine.Epoch + 1 };
        await Expect.ThrowsAsync<StoreRolledBackException>(
            () => rig.Store.LeaseAsync(new([owner]) { Quarantine = quarantine }).AsTask(), "a lease with a quarantine");
        await rig.Store.OpenReaderAsync(Orders, "in a commit");
        StoreCommit behind = new(owner, 1) { Cursors = [new(Orders, "in a commit", 0, 3)], FileLengths = [new("a", 1)] };
        await Expect.ThrowsAsync<StoreRolledBackException>(() => rig.Store.CommitAsync(behind).AsTask(),
            "a commit with a cursor behind the end");
        await rig.CommitAsync(new(owner, 1) { Cursors = [new(Orders, "in a commit", 0, 2)] });
        await Expect.ThrowsAsync<StoreRolledBackException>(() => rig.Store.ReadAsync(new(Orders, 0, 3)).AsTask(), "reading behind the end");
        await Expect.ThrowsAsync<StoreRolledBackException>(
            async () => await rig.Store.MoveReaderAsync(new(Orders, (await rig.Store.OpenReaderAsync(Orders, "r")).Name, 0, 3)),
                "a cursor behind the end");
        int generation = rig.Store.Generation;
        Expect.Equal(generation + 1, await rig.Store.RaiseGenerationAsync(generation), "the next generation");
        Expect.Equal(generation + 1, await rig.Store.RaiseGenerationAsync(generation), "the same, asked for by a second one");
        await rig.AddAsync("b");
        await rig.ReopenAsync(kill: true);
        Expect.Equal(generation + 1, rig.Store.Generation, "the generation after a restart");
        Expect.Same([generation, generation + 1], (await rig.Store.ReadAsync(new(Orders, 0, 1))).Entries.ToArray()
            .Select(entry => entry.Generation), "the generations of the entries");
    }

    public static async Task OneLeaseServesSeveralPartitionsWithinItsBounds(Rig rig)
    {
        await rig.PrepareAsync(new() { Partitions = 3 });
        using var batch = new EntryBatch();
        int[] counts = new int[3];
        for (int i = 0; counts.Any(count => count < 4); i++)
        {
            EntryKey key = EntryKey.Of($"{i}");
            if (counts[key.PartitionOf(3)]++ < 4) batch.Add(Bytes("1234567890").Span, key);
        }
        await rig.Store.AppendAsync(new(Orders, "p", 0, 1, batch));
        Ownership[] owned = [(await rig.TakeAsync(partition: 2)).Owner, (await rig.TakeAsync(partition: 0)).Owner,
            (await rig.TakeAsync(partition: 1)).Owner];
        LeaseResult items = await rig.Store.LeaseAsync(new(owned) { MaxItems = 5 });
        Expect.Same([(2, 4), (0, 1)], items.Batches.Select(one => (one.Owner.Partition, one.Entries.Length)),
            "five entries of three partitions");
        LeaseResult bytes = await rig.Store.LeaseAsync(new([owned[1], owned[2]]) { MaxBytes = 45 });
        Expect.Same([(0, 3), (1, 1)], bytes.Batches.Select(one => (one.Owner.Partition, one.Entries.Length)), "45 bytes of two partitions");
        LeaseResult one = await rig.Store.LeaseAsync(new([owned[2]]) { MaxBytes = 5 });
        Expect.Equal(1, one.Batches.Single().Entries.Length, "entries of a lease that is too small for one");
    }

    public static async Task ALeaseServesNoMorePartitionsThanAreAskedFor(Rig rig)
    {
        await rig.PrepareAsync(new() { Partitions = 4 });
        using var batch = new EntryBatch();
        for (int i = 0; i < 100; i++)
            if (EntryKey.Of($"{i}") is var key && key.PartitionOf(4) != 1) batch.Add(Bytes("x").Span, key);
        await rig.Store.AppendAsync(new(Orders, "p", 0, 1, batch));
        var owned = new Ownership[4];
        for (int partition = 0; partition < 4; partition++) owned[partition] = (await rig.TakeAsync(partition: partition)).Owner;
        LeaseResult two = await rig.Store.LeaseAsync(new(owned) { MaxBatches = 2 });
        Expect.Same([0, 2], two.Batches.Select(one => one.Owner.Partition), "the first two partitions that have something");
        LeaseResult rest = await rig.Store.LeaseAsync(new(owned) { MaxBatches = 2 });
        Expect.Same([3], rest.Batches.Select(one => one.Owner.Partition), "the partition behind them");
        Expect.Equal(batch.Count, two.Batches.Concat(rest.Batches).Sum(one => one.Entries.Length), "entries of all of them");
    }
}
