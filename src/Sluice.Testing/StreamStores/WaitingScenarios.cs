using static Sluice.Testing.Rig;

namespace Sluice.Testing;

internal static class WaitingScenarios
{
    public static async Task ARetryIsLeasedWhenItIsDue(Rig rig)
    {
        Ownership owner = await rig.LeaseNewAsync("a", "b");
        await rig.CommitAsync(new(owner, 1)
        {
            Deferred = [new(2, 1, 4 * Minute, "node", "b failed"),
            new(1, 1, 2 * Minute, "node", "a failed")]
        });
        LeaseResult nothing = await rig.Store.LeaseAsync(new([owner]));
        Expect.Equal(0, nothing.Batches.Count, "batches before anything is due");
        Expect.True(nothing.NextDue > TimeSpan.Zero && nothing.NextDue <= 2 * Minute,
            $"the next is due within two minutes ({nothing.NextDue})");
        await rig.PassAsync(2 * Minute);
        Expect.Same([("a", 2)], (await rig.LeaseAsync(owner)).Select(entry => (Text(entry), entry.Attempt)),
            "what is due after two minutes");
        await rig.ReopenAsync(kill: false);
        Expect.Equal((1L, 1L), await CountsAsync(rig), "what waits, and is in flight again, while one is due");
        await rig.PassAsync(2 * Minute);
        Expect.Same([("b", 2)], (await rig.LeaseAsync(owner)).Select(entry => (Text(entry), entry.Attempt)), "what is due after four");
        Expect.Equal((0L, 2L), await CountsAsync(rig), "what waits, and is in flight again, when both are leased");
        await rig.CommitAsync(new(owner, 2) { Deferred = [new(1, 2, TimeSpan.Zero)], Settled = [new(2, 2)] });
        Expect.Equal(3, (await rig.LeaseAsync(owner)).Single().Attempt, "the attempt after two that were charged");
        Expect.Equal((0L, 1L), await CountsAsync(rig), "what waits, and is in flight again, at the end");
    }

    public static async Task RetriesCountAgainstTheBytesOfALease(Rig rig)
    {
        string[] texts = [.. "abcd".Select(static letter => new string(letter, 400))];
        Ownership owner = await rig.LeaseNewAsync(texts[..3]);
        await rig.CommitAsync(new(owner, 1) { Deferred = [.. Enumerable.Range(1, 3).Select(n => new RetryWrite(n, 1, TimeSpan.Zero))] });
        await rig.AddAsync(texts[3]);
        Expect.Same(texts[..2], await LeaseAsync(1000), "1,000 bytes of retries of 400");        // a store may count its heads, too
        Expect.Same([texts[2]], await LeaseAsync(1), "one byte: the first entry may be longer");
        Expect.Same([texts[3]], await LeaseAsync(1000), "what is left");

        async Task<IEnumerable<string>> LeaseAsync(int bytes) => Texts((await rig.Store.LeaseAsync(new([owner]) { MaxBytes = bytes }))
            .Batches.SelectMany(static batch => batch.Entries.ToArray()));
    }

    private static async Task<(long Waiting, long InFlightAgain)> CountsAsync(Rig rig)
    {
        PartitionInfo partition = (await rig.Store.FindGroupAsync(Main))!.Partitions[0];
        return (partition.Waiting, partition.InFlightAgain);
    }

    // k1 fails; k2, of the same key, is parked behind it, and the commit that ends k1 frees it.
    public static async Task AParkedEntryWaitsUntilItIsFreed(Rig rig)
    {
        Ownership owner = await rig.LeaseNewAsync("k1", "k2", "k3", "other");
        await rig.CommitAsync(new(owner, 1) { Settled = [new(4, 4)], Deferred = [new(1, 1, Second), new(3, 0, null), new(2, 0, null)] });
        await rig.PassAsync(Second);
        Expect.Same(["k1"], Texts(await rig.LeaseAsync(owner)), "what is leased while two are parked");
        await rig.ReopenAsync(kill: true);
        (owner, PartitionState state) = await rig.TakeAsync("b");
        Expect.Same([WaitingStatus.Suspect, WaitingStatus.Parked, WaitingStatus.Parked], state.Waiting.Select(entry => entry.Status),
            "what waits after a crash");
        await rig.LeaseAsync(owner, quarantine: await rig.Store.AcquireQuarantineAsync(Main, "b", 0));
        await rig.CommitAsync(new(owner, 2) { Settled = [new(1, 1)], Deferred = [new(3, 0, TimeSpan.Zero), new(2, 0, TimeSpan.Zero)] });
        Expect.Same([("k2", 1), ("k3", 1)], (await rig.LeaseAsync(owner)).Select(entry => (Text(entry), entry.Attempt)),
            "what is freed, in order");
    }

    public static async Task AWaitingEntryKeepsItsPayloadWhenTheRestIsTrimmed(Rig rig)
    {
        await rig.PrepareAsync();
        await rig.AddAsync("a", "b", "c");
        await rig.AddAsync("d", "e");
        (Ownership owner, _) = await rig.TakeAsync();
        await rig.LeaseAsync(owner);
        await rig.CommitAsync(new(owner, 1) { Settled = [new(1, 1), new(3, 5)], Deferred = [new(2, 1, null, "node", "why")] });
        StreamInfo stream = (await rig.Store.FindStreamAsync(Orders))!;
        Expect.Equal((1L, 1L, 1L), (stream.Items, stream.Groups[0].Outstanding, stream.Groups[0].Waiting),
            "items in the store, outstanding, waiting");
        ReadResult read = await rig.Store.ReadAsync(new(Orders, 0, 1));
        Expect.Equal((0, 5L, 6L), (read.Entries.Length, read.Missed, read.Next), "entries read, missed, next");
        await rig.ReopenAsync(kill: true);
        Expect.Equal("b", Text((await rig.Store.ListWaitingAsync(Main, 0)).Single().Entry), "the payload that waits");
        (owner, _) = await rig.TakeAsync();
        await rig.CommitAsync(new(owner, 2) { Deferred = [new(2, 1, TimeSpan.Zero)] });
        Expect.Same([("b", 2)], (await rig.LeaseAsync(owner)).Select(entry => (Text(entry), entry.Attempt)), "what is leased again");
        await rig.SettleAsync(owner, 3, 2);
        Expect.Equal(0, (await rig.Store.FindStreamAsync(Orders))!.Items, "items in the store at the end");
    }

    public static async Task DerivedEntriesBelongToTheirGroup(Rig rig)
    {
        await rig.PrepareAsync();
        GroupId other = new(Orders, "other");
        await rig.Store.AddGroupAsync(other);
        await rig.AddAsync("a");
        (Ownership owner, _) = await rig.TakeAsync();
        await rig.LeaseAsync(owner);
        using var derived = new EntryBatch { CodeVersion = 4 };
        derived.Add(Bytes("window 1").Span, EntryKey.Of("k"), Bytes("enters at sink").Span);
        derived.Add(Bytes("window 2").Span);
        await rig.CommitAsync(new(owner, 1) { Settled = [new(1, 1)], Derived = derived });
        await rig.ReopenAsync(kill: true);
        (owner, PartitionState state) = await rig.TakeAsync();
        Expect.Equal(2, state.Waiting.Count, "waiting entries");
        Entry[] leased = await rig.LeaseAsync(owner);
        Expect.Same([(-1L, 1, "window 1"), (-2L, 1, "window 2")], leased.Select(entry => (entry.Sequence, entry.Attempt, Text(entry))),
            "derived entries, as leased");
        Expect.Equal((EntryKey.Of("k"), 4, "enters at sink"),
            (leased[0].Key, leased[0].CodeVersion, System.Text.Encoding.UTF8.GetString(leased[0].Headers.Span)), "the first one's head");
        AcquireResult theirs = await rig.Store.AcquireAsync(other, 0, new("x"));
        Expect.Same(["a"], Texts((await rig.Store.LeaseAsync(new([theirs.Ownership]))).Batches.SelectMany(batch =>
            batch.Entries.ToArray())), "what another group sees");
        await rig.SettleAsync(owner, 2, -1);
        await rig.CommitAsync(new(owner, 3) { Settled = [new(-2, -2)], Derived = derived });
        Expect.Same([-3L, -4], (await rig.LeaseAsync(owner)).Select(entry => entry.Sequence), "further derived entries");
    }

    public static async Task WaitingEntriesAreListedInPages(Rig rig)
    {
        await rig.PrepareAsync();
        await rig.AddAsync("a", "b", "c", "d");
        (Ownership owner, _) = await rig.TakeAsync();
        await rig.LeaseAsync(owner, 3);
        await rig.CommitAsync(new(owner, 1)
        {
            Deferred = [new(1, 1, null, "node", "parked"),
            new(2, 1, Second, "node", new string('x', 5000))]
        });
        IReadOnlyList<WaitingEntry> page = await rig.Store.ListWaitingAsync(Main, 0, max: 2);
        Expect.Same([("a", WaitingStatus.Parked), ("b", WaitingStatus.Retrying)], page.Select(entry => (Text(entry.Entry), entry.Status)),
            "the first page");
        Expect.Equal((4000, "node", true), (page[1].Error.Length, page[1].Node, page[1].Due is not null),
            "error, node and due time of a retry");
        page = await rig.Store.ListWaitingAsync(Main, 0, after: 2, max: 2);
        Expect.Same([("c", WaitingStatus.InFlight)], page.Select(entry => (Text(entry.Entry), entry.Status)), "the second page");
    }

    public static async Task ATakingShowsTheFirstPageOfWhatWaits(Rig rig)
    {
        const int All = PartitionState.MaxWaiting + 500;
        await rig.PrepareAsync();
        for (int i = 0; i < All; i += 500) await rig.AddAsync([.. Enumerable.Range(i + 1, 500).Select(n => $"{n}")]);
        (Ownership owner, _) = await rig.TakeAsync();
        await rig.LeaseAsync(owner, All);
        for (int i = 0; i < 6; i++) await rig.CommitAsync(new(owner,
            i + 1)
        { Deferred = [.. Enumerable.Range((i * 250) + 1, 250).Select(n => new RetryWrite(n, n % 3, null, "node", "parked"))] });
        (_, PartitionState state) = await rig.TakeAsync();
        Expect.Same(Enumerable.Range(1, PartitionState.MaxWaiting).Select(n => (long)n),
            state.Waiting.Select(entry => entry.Entry.Sequence), "the first page");
        IReadOnlyList<WaitingEntry> rest = await rig.Store.ListWaitingHeadsAsync(Main, 0, PartitionState.MaxWaiting, 499);
        rest = [.. rest, .. await rig.Store.ListWaitingHeadsAsync(Main, 0, rest[^1].Entry.Sequence, 499)];
        Expect.Same(Enumerable.Range(PartitionState.MaxWaiting + 1, 500).Select(n => ((long)n, n % 3, 0, WaitingStatus.Parked)),
            rest.Select(entry => (entry.Entry.Sequence, entry.Attempts, entry.Entry.Payload.Length, entry.Status)), "the pages behind it");
    }

    public static async Task AClockThatGoesBackHoldsNothingUp(Rig rig)
    {
        await rig.PrepareAsync();
        await rig.AddAsync("a", "b");
        (Ownership owner, _) = await rig.TakeAsync();
        await rig.LeaseAsync(owner, 1);
        await rig.CommitAsync(new(owner, 1) { Deferred = [new(1, 1, 2 * Second)] });
        await rig.ReopenAsync(kill: true, clockBack: TimeSpan.FromHours(1));
        await rig.AddAsync("c");
        DateTimeOffset[] times = [.. (await rig.Store.ReadAsync(new(Orders, 0, 2))).Entries.ToArray().Select(entry => entry.Time)];
        Expect.True(times[1] >= times[0], $"stored time does not go back ({times[0]:O}, then {times[1]:O})");
        (owner, _) = await rig.TakeAsync();
        await rig.PassAsync(2 * Second);
        Expect.Same(["a", "b", "c"], Texts(await rig.LeaseAsync(owner)),
            "what is leased two seconds later, by a clock that is an hour behind");
    }
}
