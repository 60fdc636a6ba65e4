using static Sluice.Testing.Rig;

namespace Sluice.Testing;

/// <summary>
/// Two store objects over the same data, like two processes: wake-ups, stale caches, concurrent decisions. If a store allows only one
/// object, opening a second one must fail.
/// </summary>
internal static class TwoHandleScenarios
{
    public static async Task AnAppendWakesWhoWaitsElsewhere(Rig rig)
    {
        await rig.PrepareAsync();
        if (await rig.OpenSecondAsync() is not { } second) return;
        await using (second)
        {
            long seen = await second.WaitForChangeAsync(Orders, -1);
            Task<long> any = BehindAsync(seen, () => second.WaitForChangeAsync(Orders, seen)),
                entries = BehindAsync(seen, () => second.WaitForEntriesAsync(Orders, [0], seen));
            await rig.AddAsync("a");
            await Expect.SoonAsync(any, "a wait for a change ends");
            await Expect.SoonAsync(entries, "a wait for entries ends");
            Expect.Same(["a"], Texts((await second.ReadAsync(new(Orders, 0, 1))).Entries.ToArray()), "what is read elsewhere");
        }
    }

    public static async Task OnlyWhoeverOwnsThePartitionIsWoken(Rig rig)
    {
        await rig.PrepareAsync(new() { Partitions = 2 });
        if (await rig.OpenSecondAsync() is not { } second) return;
        await using (second)
        {
            string[] keys = [.. Enumerable.Range(0, 2).Select(partition => Enumerable.Range(0, 100).Select(n => $"{n}")
                .First(key => EntryKey.Of(key).PartitionOf(2) == partition))];
            long seen = await second.WaitForChangeAsync(Orders, -1);
            bool namesPartitions = second.Capabilities.HasFlag(StreamStoreCapabilities.PartitionChanges);
            int number = 0;
            Task<long> owner;
            do
            {
                owner = second.WaitForEntriesAsync(Orders, [1], seen).AsTask();
                for (int i = 0; i < 3; i++)
                {
                    Task<long> any = BehindAsync(seen, () => second.WaitForChangeAsync(Orders, seen));
                    await AppendToAsync(rig.Store, keys[0], ++number);
                    seen = await Expect.SoonAsync(any, "a wait for a change ends");  // the message of this change has arrived
                }
                for (int i = 0; i < 100 && !owner.IsCompleted; i++) await Task.Yield();          // what was woken runs
                if (owner.IsFaulted) await owner;
            }
            while (namesPartitions && owner.IsCompleted && number < 9);              // a wait may return without a reason, now and then
            if (namesPartitions) Expect.True(!owner.IsCompleted, "a change of one partition does not wake the owner of another");
            Task<long> woken = BehindAsync(seen, async () =>
                await (owner.IsCompleted ? second.WaitForEntriesAsync(Orders, [1], seen) : new(owner)));
            await AppendToAsync(rig.Store, keys[1], ++number);
            await Expect.SoonAsync(woken, "a wait for entries ends, of the owner of the partition");
        }
    }

    public static async Task AStreamThatIsMadeAnewIsSeenElsewhere(Rig rig)
    {
        await rig.PrepareAsync(new() { Partitions = 4 });
        if (await rig.OpenSecondAsync() is not { } second) return;
        await using (second)
        {
            await AppendToAsync(second, "0", 1);
            await rig.Store.DeleteStreamAsync(Orders);
            await rig.Store.OpenStreamAsync(Orders, new() { Partitions = 1 });
            using EntryBatch batch = Batch("anew");
            AppendResult result = await second.AppendAsync(new(Orders, "anew", 0, 1, batch));
            Expect.Equal((AppendStatus.Accepted, 0, 1L), (result.Status, result.First!.Value.Partition, result.First.Value.Sequence),
                "an append elsewhere, where the former stream was known");
            Expect.Same(["anew"], await rig.ReadAsync(Orders), "what is in the stream");
        }
    }

    // Both objects have read the same group, and both try to decide.
    public static async Task OfTwoDecisionsOneIsApplied(Rig rig)
    {
        await rig.PrepareAsync();
        if (await rig.OpenSecondAsync() is not { } second) return;
        await using (second)
        {
            await rig.AddAsync("a", "b");
            long epoch = (await second.FindGroupAsync(Main))!.Partitions[0].Epoch;
            AcquireResult[] takes = await Task.WhenAll(
                rig.Store.AcquireAsync(Main, 0, new("a") { ExpectedEpoch = epoch }).AsTask(),
                    second.AcquireAsync(Main, 0, new("b") { ExpectedEpoch = epoch }).AsTask());
            Expect.Equal(1, takes.Count(take => take.Status == AcquireStatus.Taken), "takers of one partition that get it");
            Quarantine?[] quarantines = await Task.WhenAll(rig.Store.AcquireQuarantineAsync(Main, "a", 0).AsTask(),
                second.AcquireQuarantineAsync(Main, "b", 0).AsTask());
            Expect.Equal(1, quarantines.Count(quarantine => quarantine is not null), "takers of the quarantine that get it");
            HeartbeatResult[] beats = await Task.WhenAll(
                rig.Store.HeartbeatAsync(new(Main, "m", "m1", Second)).AsTask(),
                    second.HeartbeatAsync(new(Main, "m", "m2", Second)).AsTask());
            Expect.Equal(1, beats.Count(beat => beat.Status == HeartbeatStatus.Accepted), "instances that get a name");

            // The owner commits through both objects: the epoch decides, not the connection.
            Ownership owner = takes.Single(take => take.Status == AcquireStatus.Taken).Ownership;
            await second.LeaseAsync(new([owner]));
            CommitResult[] commits = await Task.WhenAll(
                rig.Store.CommitAsync(new(owner, 1) { Settled = [new(1, 1)] }).AsTask(),
                    second.CommitAsync(new(owner, 1) { Settled = [new(1, 1)] }).AsTask());
            Expect.True(commits.All(commit => commit.Status == CommitStatus.Committed), "a commit and its resend are answered alike");
            Expect.Equal(1L, await rig.BacklogAsync(), "what is left after both");
        }
    }

    public static async Task ABoundHoldsForBoth(Rig rig)
    {
        await rig.PrepareAsync(new() { Partitions = 1, MaxItems = 3 });
        if (await rig.OpenSecondAsync() is not { } second) return;
        await using (second)
        {
            Task<AppendResult>[] appends = [.. Enumerable.Range(0, 8).Select(async n =>
            {
                using EntryBatch batch = Batch($"{n}");
                return await (n % 2 == 0 ? rig.Store : second).AppendAsync(new(Orders, $"p{n}", 0, 1, batch));
            })];
            Expect.Equal(3, (await Task.WhenAll(appends)).Count(result => result.Status == AppendStatus.Accepted),
                "appends that are accepted, of eight by two processes");
        }
    }

    public static async Task ARetryIsNotDueEarlierElsewhere(Rig rig)
    {
        await rig.PrepareAsync();
        if (await rig.OpenSecondAsync(TimeSpan.FromDays(2)) is not { } ahead) return;
        await using (ahead)
        {
            await rig.AddAsync("a");
            (Ownership owner, _) = await rig.TakeAsync();
            await rig.LeaseAsync(owner);
            await rig.CommitAsync(new(owner, 1) { Deferred = [new(1, 1, TimeSpan.FromHours(1))] });
            LeaseResult lease = await ahead.LeaseAsync(new([owner]));
            Expect.Equal(0, lease.Batches.Count, "entries for a host whose clock is two days ahead");
            Expect.True(lease.NextDue > TimeSpan.FromMinutes(50) && lease.NextDue <= TimeSpan.FromHours(1),
                $"it is due within the hour ({lease.NextDue})");
        }
    }

    // The first object must not trust its cache of the partition.
    public static async Task AnOwnerWhosePartitionWasTakenElsewhereIsVoid(Rig rig)
    {
        await rig.PrepareAsync();
        if (await rig.OpenSecondAsync() is not { } second) return;
        await using (second)
        {
            await rig.AddAsync("a", "b");
            (Ownership before, _) = await rig.TakeAsync();
            await rig.LeaseAsync(before);
            await rig.CommitAsync(new(before, 1) { Settled = [new(1, 1)] });
            AcquireResult taken = await second.AcquireAsync(Main, 0, new("b"));
            Expect.Equal((AcquireStatus.Taken, 1L), (taken.Status, taken.State!.LastCommit),
                "the partition, taken elsewhere, with the commit that was made here");
            Expect.Equal(CommitStatus.Stale, (await rig.Store.CommitAsync(new(before, 2) { Settled = [new(2, 2)] })).Status,
                "a commit of the former owner");
            Expect.True(!await rig.Store.ReleaseAsync(before), "the former owner has nothing to release");
            Expect.Same([(2L, WaitingStatus.Suspect)], taken.State.Waiting.Select(entry => (entry.Entry.Sequence, entry.Status)),
                "the items in flight of the former owner");
            await rig.AddAsync("c");
            Expect.Same(["c"], Texts((await second.LeaseAsync(new([taken.Ownership]))).Batches.Single().Entries.ToArray()),
                "what the owner leases");
            Expect.Equal(CommitStatus.Committed, (await second.CommitAsync(new(taken.Ownership, 2) { Settled = [new(3, 3)] })).Status,
                "a commit of the owner");
        }
    }

    public static async Task AProducerGoesOnElsewhere(Rig rig)
    {
        await rig.PrepareAsync();
        if (await rig.OpenSecondAsync() is not { } second) return;
        await using (second)
        {
            foreach (IStreamStore store in new[] { rig.Store, second })
                for (int number = 1; number <= 4; number++)
                {
                    using EntryBatch batch = Batch($"{number}");
                    IStreamStore by = number % 2 == 0 ? rig.Store : second;
                    AppendStatus expected = ReferenceEquals(store, second) ? AppendStatus.Duplicate : AppendStatus.Accepted;
                    Expect.Equal(expected, (await by.AppendAsync(new(Orders, "both", 0, number, batch))).Status,
                        $"the append {number} of a producer that goes from one to the other");
                    Expect.Equal(AppendStatus.Duplicate, (await (ReferenceEquals(by, second) ? rig.Store
                        : second).AppendAsync(new(Orders, "both", 0, number, batch))).Status,
                        $"the append {number}, sent again by the other");
                }
            Expect.Same(["1", "2", "3", "4"], await rig.ReadAsync(Orders), "what is in the stream");
        }
    }

    public static async Task RoomThatIsMadeElsewhereIsSeen(Rig rig)
    {
        await rig.PrepareAsync(new() { Partitions = 1, MaxItems = 2 });
        if (await rig.OpenSecondAsync() is not { } second) return;
        await using (second)
        {
            await rig.AddAsync("a", "b");
            using EntryBatch batch = Batch("c");
            Expect.Equal(AppendStatus.Full, (await rig.Store.AppendAsync(new(Orders, "late", 0, 1, batch))).Status,
                "an append to a full stream");
            long seen = await rig.Store.WaitForChangeAsync(Orders, -1);
            Task<long> room = BehindAsync(seen, () => rig.Store.WaitForChangeAsync(Orders, seen));
            AcquireResult taken = await second.AcquireAsync(Main, 0, new("b"));
            await second.LeaseAsync(new([taken.Ownership]));
            Expect.Equal(CommitStatus.Committed, (await second.CommitAsync(new(taken.Ownership, 1) { Settled = [new(1, 2)] })).Status,
                "a commit that makes room");
            await Expect.SoonAsync(room, "a wait for room ends when there is room");
            Expect.Equal(AppendStatus.Accepted, (await rig.Store.AppendAsync(new(Orders, "late", 0, 1, batch))).Status,
                "the append, when there is room");
        }
    }

    private static async Task AppendToAsync(IStreamStore store, string key, int number)
    {
        using var batch = new EntryBatch();
        batch.Add(Bytes("x").Span, EntryKey.Of(key));
        Expect.Equal(AppendStatus.Accepted, (await store.AppendAsync(new(Orders, "keyed", 0, number, batch))).Status, "an append");
    }
}
