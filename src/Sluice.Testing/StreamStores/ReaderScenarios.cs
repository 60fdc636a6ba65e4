using static Sluice.Testing.Rig;

namespace Sluice.Testing;

internal static class ReaderScenarios
{
    public static async Task ReadersAreIndependent(Rig rig)
    {
        await rig.Store.OpenStreamAsync(Orders, new() { Partitions = 1 });
        await rig.AddAsync("a", "b");
        await rig.Store.OpenReaderAsync(Orders, "first");
        await rig.Store.OpenReaderAsync(Orders, "new", new() { Start = StreamStart.New });
        await rig.AddAsync("c");
        await rig.Store.MoveReaderAsync(new(Orders, "first", 0, 3));
        await rig.Store.MoveReaderAsync(new(Orders, "first", 0, 2));
        await rig.ReopenAsync(kill: true);
        ReaderInfo first = await rig.Store.OpenReaderAsync(Orders, "first", new() { Start = StreamStart.New });
        ReaderInfo second = await rig.Store.OpenReaderAsync(Orders, "new");
        Expect.Equal((3L, 1L), (first.Next[0], first.Backlog), "place and backlog of one that is opened again, and never goes back");
        Expect.Equal((3L, 1L), (second.Next[0], second.Backlog), "place and backlog of one that began behind the end");
    }

    public static async Task AReaderReadsFromAnywhereWithinItsBounds(Rig rig)
    {
        await rig.Store.OpenStreamAsync(Orders, new() { Partitions = 1 });
        await rig.AddAsync("aaaa", "bbbb", "cccc");
        await rig.AddAsync("dddd", "eeee");
        ReadResult read = await rig.Store.ReadAsync(new(Orders, 0, 2) { MaxItems = 3 });
        Expect.Same(["bbbb", "cccc", "dddd"], Texts(read.Entries.ToArray()), "three from the second");
        Expect.Equal((5L, 0L, null), (read.Next, read.Missed, read.End), "next, missed, end");
        read = await rig.Store.ReadAsync(new(Orders, 0, 2) { MaxBytes = 9 });
        Expect.Same(["bbbb", "cccc"], Texts(read.Entries.ToArray()), "nine bytes from the second");
        read = await rig.Store.ReadAsync(new(Orders, 0, 5) { MaxBytes = 1 });
        Expect.Same(["eeee"], Texts(read.Entries.ToArray()), "one byte from the last");
        read = await rig.Store.ReadAsync(new(Orders, 0, read.Next));
        Expect.Equal((0, 6L), (read.Entries.Length, read.Next), "entries at the end, and next");
    }

    public static async Task EntriesBehindManyTrimmedOnesAreRead(Rig rig)
    {
        await rig.PrepareAsync();
        (Ownership owner, _) = await rig.TakeAsync();
        for (int i = 1; i <= 3; i++)
        {
            await rig.AddAsync([.. Enumerable.Range((1000 * (i - 1)) + 1, 1000).Select(number => $"{number}")]);
            if (i == 3) break;
            await rig.LeaseAsync(owner);
            await rig.CommitAsync(new(owner, i) { Settled = [new((1000 * (i - 1)) + 1, 1000 * i)] });
        }
        foreach (long from in (long[])[1, 1500, 2001])
        {
            ReadResult read = await rig.Store.ReadAsync(new(Orders, 0, from) { MaxItems = 10 });
            Expect.Equal(("2001", 10, 2011L, 2001 - from), (Text(read.Entries.Span[0]), read.Entries.Length, read.Next, read.Missed),
                $"the first, the number of entries, next, and missed, from {from}");
        }
        ReadResult all = await rig.Store.ReadAsync(new(Orders, 0, 1));
        Expect.Equal((1000, 3001L), (all.Entries.Length, all.Next), "entries, and next");
    }

    public static async Task TheSlowestReaderHoldsTheStream(Rig rig)
    {
        await rig.PrepareAsync();
        await rig.Store.OpenReaderAsync(Orders, "slow");
        await rig.Store.OpenReaderAsync(Orders, "idle", new() { AppliesBackpressure = false });
        for (int i = 1; i <= 4; i++) await rig.AddAsync($"{i}");
        (Ownership owner, _) = await rig.TakeAsync();
        await rig.LeaseAsync(owner);
        await rig.SettleAsync(owner, 1, 1, 2, 3, 4);
        await rig.Store.MoveReaderAsync(new(Orders, "slow", 0, 3));
        Expect.Same(["1", "2", "3", "4"], await rig.ReadAsync(Orders), "entries while one reader has read nothing");
        await rig.Store.MoveReaderAsync(new(Orders, "idle", 0, 5));
        Expect.Equal(2, (await rig.Store.FindStreamAsync(Orders))!.Items, "items behind the slower one");
        ReadResult read = await rig.Store.ReadAsync(new(Orders, 0, 1));
        Expect.Equal((2, 2L), (read.Entries.Length, read.Missed), "entries read and missed");
        await rig.Store.CloseReaderAsync(Orders, "slow");
        Expect.Equal(0, (await rig.Store.FindStreamAsync(Orders))!.Items, "items when it has been closed");
        Expect.Equal(false, await rig.Store.MoveReaderAsync(new(Orders, "slow", 0, 5)), "moving a closed reader");
        await rig.CommitAsync(new(owner, 2)
        {
            Cursors = [new(Orders, "slow", 0, 5)],
            Readers = [new(Orders, "idle", new() { Start = StreamStart.New })]
        });
        ReaderInfo left = (await rig.Store.FindStreamAsync(Orders))!.Readers.Single();
        Expect.Equal(("idle", 5L, false), (left.Name, left.Next[0], left.Options.AppliesBackpressure),
            "the reader that is left after a commit that moves a closed one and opens an open one");
    }

    public static async Task AStreamThatNobodyReadsKeepsEverything(Rig rig)
    {
        await rig.Store.OpenStreamAsync(Orders, new() { Partitions = 1, MaxItems = 3 });
        await rig.AddAsync("a", "b", "c");
        Expect.Equal(AppendStatus.Full, (await rig.AppendAsync(1, ["d"])).Status, "an append beyond the bound");
        await rig.ReopenAsync(kill: true);
        await rig.Store.AddGroupAsync(Main);
        (Ownership owner, _) = await rig.TakeAsync();
        Expect.Same(["a", "b", "c"], Texts(await rig.LeaseAsync(owner)), "what a group that comes late leases");
    }

    public static async Task HowManyEntriesWereAppendedIsKnownWhenTheyAreGone(Rig rig)
    {
        await rig.Store.OpenStreamAsync(Orders, new() { Partitions = 2 });
        Expect.Equal(0L, (await rig.Store.FindStreamAsync(Orders))!.Appended, "entries ever appended to a new stream");
        await rig.AddAsync("a", "b", "c");
        await rig.AddAsync("d");
        await rig.Store.OpenReaderAsync(Orders, "reader");
        for (int partition = 0; partition < 2; partition++)
        {
            ReadResult read = await rig.Store.ReadAsync(new(Orders, partition, 1));
            await rig.Store.MoveReaderAsync(new(Orders, "reader", partition, read.Next));
        }
        await rig.Store.CloseReaderAsync(Orders, "reader");
        await rig.Store.EndStreamAsync(Orders, StreamEnd.Complete);
        StreamInfo info = (await rig.Store.FindStreamAsync(Orders))!;
        Expect.Equal((4L, 0L), (info.Appended, info.Items), "entries ever appended, and those that are there");
        await rig.ReopenAsync(kill: true);
        Expect.Equal(4L, (await rig.Store.FindStreamAsync(Orders))!.Appended, "entries ever appended, behind a crash");
    }

    public static async Task AReaderThatDiedDoesNotHoldTheStream(Rig rig)
    {
        await rig.PrepareAsync(new() { MaxItems = 2 });
        await rig.Store.OpenReaderAsync(Orders, "page", new() { IdleTimeout = 3 * Minute });
        await rig.AddAsync("a", "b");
        (Ownership owner, _) = await rig.TakeAsync();
        await rig.LeaseAsync(owner);
        await rig.SettleAsync(owner, 1, 1, 2);
        await rig.PassAsync(2 * Minute);
        await rig.Store.ReadAsync(new(Orders, 0, 1) { Reader = "page" });
        await rig.PassAsync(2 * Minute);
        AppendResult full = await rig.AppendAsync(1, ["c"]);
        Expect.Equal(AppendStatus.Full, full.Status, "an append while the reader lives");
        Expect.True(full.RetryAfter > TimeSpan.Zero && full.RetryAfter <= Minute,
            $"it says when the reader may expire ({full.RetryAfter})");
        await rig.PassAsync(full.RetryAfter!.Value);
        Expect.Equal(AppendStatus.Accepted, (await rig.AppendAsync(1, ["c"])).Status, "the same append then");
        Expect.Equal(false, await rig.Store.MoveReaderAsync(new(Orders, "page", 0, 3)), "moving the reader that expired");
        Expect.Equal(1, (await rig.Store.FindStreamAsync(Orders))!.Items, "items in the store");
    }

    public static async Task AnIdleTimeoutIsInItsRange(Rig rig)
    {
        Ownership owner = await rig.LeaseNewAsync("a");
        foreach (TimeSpan wrong in (TimeSpan[])[Timeout.InfiniteTimeSpan, TimeSpan.Zero, TimeSpan.FromDays(36_501), TimeSpan.MaxValue])
        {
            ReaderOptions options = new() { IdleTimeout = wrong };
            await Expect.ThrowsAsync<ArgumentException>(() => rig.Store.OpenReaderAsync(Orders, "page", options).AsTask(),
                $"opening a reader that expires after {wrong}");
            await Expect.ThrowsAsync<ArgumentException>(() => rig.Store.CommitAsync(new(owner, 1)
            {
                Settled = [new(1, 1)],
                Readers = [new(Orders, "page", options)]
            }).AsTask(), $"a commit that opens a reader that expires after {wrong}");
        }
        Expect.Equal(0, (await rig.Store.FindStreamAsync(Orders))!.Readers.Count, "readers that were refused");
        await rig.Store.OpenReaderAsync(Orders, "page", new() { IdleTimeout = TimeSpan.FromDays(36_500) });
        await rig.ReopenAsync(kill: true);
        await rig.AddAsync("b");
        ReaderInfo reader = (await rig.Store.FindStreamAsync(Orders))!.Readers.Single();
        Expect.Equal(("page", TimeSpan.FromDays(36_500)), (reader.Name, reader.Options.IdleTimeout!.Value),
            "the reader with the longest time");
    }

    public static async Task AReaderThatOpensWhileAnotherExpiresBeginsAtWhatIsLeft(Rig rig)
    {
        await rig.PrepareAsync();
        await rig.Store.OpenReaderAsync(Orders, "page", new() { IdleTimeout = Minute });
        await rig.AddAsync("a", "b", "c", "d");
        (Ownership owner, _) = await rig.TakeAsync();
        await rig.LeaseAsync(owner);
        await rig.SettleAsync(owner, 1, 1, 2, 3, 4);
        await rig.PassAsync(2 * Minute);
        ReaderInfo reader = await rig.Store.OpenReaderAsync(Orders, "new");          // the first call after the expiry
        Expect.Equal((5L, 0L), (reader.Next[0], reader.Backlog), "place and backlog of the new reader");
        await rig.Store.MoveReaderAsync(new(Orders, "new", 0, 5));
        reader = await rig.Store.OpenReaderAsync(Orders, "new");
        Expect.Equal((5L, 0L), (reader.Next[0], reader.Backlog), "place and backlog when it has moved to the end");
    }

    public static async Task AReaderThatACommitOpensBeginsBehindItsOutputs(Rig rig)
    {
        Ownership owner = await rig.LeaseNewAsync("a");
        using EntryBatch outputs = Batch("x", "y");
        await rig.CommitAsync(new(owner, 1)
        {
            Settled = [new(1, 1)],
            Outputs = [new(Results, outputs)],
            Readers = [new(Results, "all", new()), new(Results, "new", new() { Start = StreamStart.New })]
        });
        foreach ((string name, long next, long backlog) in ((string, long, long)[])[("new", 3, 0), ("all", 1, 2)])
        {
            ReaderInfo reader = await rig.Store.OpenReaderAsync(Results, name);
            Expect.Equal((next, backlog), (reader.Next[0], reader.Backlog), $"place and backlog of the reader '{name}'");
            await rig.Store.MoveReaderAsync(new(Results, name, 0, 3));
            reader = await rig.Store.OpenReaderAsync(Results, name);
            Expect.Equal((3L, 0L), (reader.Next[0], reader.Backlog), $"place and backlog of '{name}' at the end");
        }
    }

    public static async Task AStreamForReplayIsNeverTrimmed(Rig rig)
    {
        await rig.PrepareAsync(new() { Retention = Retention.All, MaxItems = 2 });
        (Ownership owner, _) = await rig.TakeAsync();
        for (int commit = 1; commit <= 3; commit++)
        {
            await rig.AddAsync("a", "b");
            await rig.LeaseAsync(owner);
            await rig.SettleAsync(owner, commit, (2 * commit) - 1, 2 * commit);
        }
        await rig.ReopenAsync(kill: true);
        Expect.Equal(6, (await rig.ReadAsync(Orders)).Length, "entries that can be replayed");
    }

    public static async Task AReaderLearnsHowItsStreamEnded(Rig rig)
    {
        await rig.PrepareAsync();
        await rig.AddAsync("a", "b");
        await rig.Store.EndStreamAsync(Orders, new StreamEnd("the source broke"));
        await rig.ReopenAsync(kill: true);
        Expect.Equal(null, (await rig.Store.ReadAsync(new(Orders, 0, 1) { MaxItems = 1 })).End, "the end, before the last entry");
        Expect.Equal("the source broke", (await rig.Store.ReadAsync(new(Orders, 0, 2))).End?.Failure, "the end, with the last entry");
        (Ownership owner, _) = await rig.TakeAsync();
        Expect.Equal(2, (await rig.LeaseAsync(owner)).Length, "entries leased of a stream that has ended");
        Expect.Equal(false, (await rig.Store.LeaseAsync(new([owner]))).IsEnded, "it is over for the group, while entries are in flight");
        await rig.SettleAsync(owner, 1, 1, 2);
        Expect.Equal(true, (await rig.Store.LeaseAsync(new([owner]))).IsEnded, "it is over for the group");
    }

    public static async Task GroupsSettleIndependently(Rig rig)
    {
        await rig.PrepareAsync();
        await rig.AddAsync("a", "b");
        GroupId late = new(Orders, "late");
        await rig.Store.AddGroupAsync(late, StreamStart.New);
        await rig.AddAsync("c");
        await rig.Store.AddGroupAsync(late, StreamStart.First);
        (Ownership owner, _) = await rig.TakeAsync();
        await rig.LeaseAsync(owner);
        await rig.SettleAsync(owner, 1, 1, 2, 3);
        await rig.ReopenAsync(kill: true);
        Expect.Same([("late", 1L), ("main", 0L)], (await rig.Store.FindStreamAsync(Orders))!.Groups.Select(group => (group.Name,
            group.Outstanding)), "outstanding entries by group");
        AcquireResult theirs = await rig.Store.AcquireAsync(late, 0, new("x"));
        Expect.Same(["c"], Texts((await rig.Store.LeaseAsync(new([theirs.Ownership]))).Batches.SelectMany(batch =>
            batch.Entries.ToArray())), "what the late group leases");
        await rig.Store.RemoveGroupAsync(late);
        Expect.Equal(CommitStatus.Stale, (await rig.Store.CommitAsync(new(theirs.Ownership, 1) { Settled = [new(3, 3)] })).Status,
            "a commit of a removed group");
        Expect.Equal(0, (await rig.Store.FindStreamAsync(Orders))!.Items, "items when the late group has been removed");
    }
}
