using static Sluice.Testing.Rig;

namespace Sluice.Testing;

internal static class AppendScenarios
{
    public static async Task AppendsAreNumberedWithoutGaps(Rig rig)
    {
        await rig.PrepareAsync();
        AppendResult first = await rig.AppendAsync(1, ["a", "b"]);
        Expect.Equal(new AppendResult(AppendStatus.Accepted, 2, new EntryId(rig.Store.Generation, Orders, 0, 1)), first,
            "the first append");
        Expect.Equal(new AppendResult(AppendStatus.Gap, 2, null), await rig.AppendAsync(4, ["d"]), "an append of 4 after 2");
        Expect.Same(["a", "b"], await rig.ReadAsync(Orders), "what is stored after a gap");
        Expect.Equal(AppendStatus.Accepted, (await rig.AppendAsync(3, ["c"])).Status, "the append of 3");
        Expect.Equal(AppendStatus.Accepted, (await rig.AppendAsync(1, ["x"], producer: "other")).Status, "another producer's first append");
        Expect.Same(["a", "b", "c", "x"], await rig.ReadAsync(Orders), "what is stored");
    }

    public static async Task AResentAppendGetsItsRecordedResult(Rig rig)
    {
        await rig.PrepareAsync();
        await rig.AppendAsync(1, ["a"]);
        AppendResult sent = await rig.AppendAsync(2, ["b", "c"]);
        await rig.ReopenAsync(kill: true);
        Expect.Equal(sent with { Status = AppendStatus.Duplicate }, await rig.AppendAsync(2, ["b", "c"]), "the last append, sent again");
        Expect.Equal(new AppendResult(AppendStatus.Duplicate, 3, null), await rig.AppendAsync(1, ["a"]), "an earlier append, sent again");
        Expect.Equal(new AppendResult(AppendStatus.Gap, 3, null), await rig.AppendAsync(3, ["c", "d"]), "an append that overlaps");
        Expect.Same(["a", "b", "c"], await rig.ReadAsync(Orders), "what is stored");
    }

    // Appends 5 and 6 are in flight when the connection breaks: in any order, both arrive once, in sequence.
    public static async Task AnOvertakenAppendIsNotLost(Rig rig)
    {
        await rig.PrepareAsync();
        await rig.AppendAsync(1, ["1", "2", "3", "4"]);
        Expect.Equal(AppendStatus.Gap, (await rig.AppendAsync(6, ["6"])).Status, "6 before 5");
        Expect.Equal(AppendStatus.Accepted, (await rig.AppendAsync(5, ["5"])).Status, "5");
        Expect.Equal(AppendStatus.Accepted, (await rig.AppendAsync(6, ["6"])).Status, "6, sent again");
        Expect.Equal(AppendStatus.Duplicate, (await rig.AppendAsync(5, ["5"])).Status, "the first 5, late");
        Expect.Equal(AppendStatus.Duplicate, (await rig.AppendAsync(6, ["6"])).Status, "the first 6, late");
        Expect.Same(["1", "2", "3", "4", "5", "6"], await rig.ReadAsync(Orders), "what is stored");
    }

    public static async Task AZombieProducerIsRefused(Rig rig)
    {
        await rig.PrepareAsync();
        ProducerState zombie = await rig.Store.OpenProducerAsync(Orders, "p");
        await rig.AppendAsync(1, ["a"], zombie.Epoch);
        ProducerState heir = await rig.Store.OpenProducerAsync(Orders, "p");
        Expect.True(heir.Epoch > zombie.Epoch, "opening a producer raises its epoch");
        Expect.Equal(1, heir.Last, "the last number, as the heir finds it");
        Expect.Equal(new AppendResult(AppendStatus.Refused, 1, null), await rig.AppendAsync(2, ["zombie"], zombie.Epoch),
            "the zombie's append");
        Expect.Equal(AppendStatus.Accepted, (await rig.AppendAsync(2, ["b"], heir.Epoch)).Status, "the heir's append");
        await Expect.ThrowsAsync<StoreRolledBackException>(() => rig.AppendAsync(3, ["c"], heir.Epoch + 1),
            "an epoch that the store never gave");
        Expect.Same(["a", "b"], await rig.ReadAsync(Orders), "what is stored");
    }

    public static async Task FullConsumesNoNumber(Rig rig)
    {
        await rig.PrepareAsync(new() { MaxItems = 2 });
        await rig.AppendAsync(1, ["a", "b"]);
        Expect.Equal(new AppendResult(AppendStatus.Full, 2, null), await rig.AppendAsync(3, ["c"]), "an append to a full stream");
        Expect.Equal(AppendStatus.Gap, (await rig.AppendAsync(4, ["d"])).Status, "the number after one that was not accepted");
        (Ownership owner, _) = await rig.TakeAsync();
        await rig.LeaseAsync(owner);
        Expect.Equal(AppendStatus.Full, (await rig.AppendAsync(3, ["c"])).Status, "an append while everything is in flight");
        await rig.SettleAsync(owner, 1, 1);
        Expect.Equal(AppendStatus.Accepted, (await rig.AppendAsync(3, ["c"])).Status, "the same append, when there is room");
    }

    public static async Task AProducerFindsItsPositionAgain(Rig rig)
    {
        await rig.PrepareAsync();
        ProducerState producer = await rig.Store.OpenProducerAsync(Orders, "file");
        Expect.Equal(0, producer.Position.Length, "the position of a new producer");
        using EntryBatch batch = Batch("a");
        await rig.Store.AppendAsync(new(Orders, "file", producer.Epoch, 1, batch) { Position = Bytes("byte 10") });
        await rig.Store.AppendAsync(new(Orders, "file", producer.Epoch, 2, batch));
        await rig.ReopenAsync(kill: true);
        producer = await rig.Store.OpenProducerAsync(Orders, "file");
        Expect.Equal((2L, "byte 10"), (producer.Last, System.Text.Encoding.UTF8.GetString(producer.Position.Span)), "number and position");
    }

    // A producer moves its position without entries, which also works on a full stream.
    public static async Task APositionIsRecordedWithoutEntries(Rig rig)
    {
        await rig.PrepareAsync(new() { MaxItems = 1 });
        ProducerState producer = await rig.Store.OpenProducerAsync(Orders, "clock");
        using EntryBatch batch = Batch("a"), none = Batch();
        await rig.Store.AppendAsync(new(Orders, "clock", producer.Epoch, 1, batch) { Position = Bytes("12:00") });
        var mark = new AppendRequest(Orders, "clock", producer.Epoch, 2, none) { Position = Bytes("12:05") };
        Expect.Equal(new AppendResult(AppendStatus.Accepted, 2, null), await rig.Store.AppendAsync(mark),
            "a position without entries, in a full stream");
        await rig.ReopenAsync(kill: true);
        Expect.Equal(AppendStatus.Duplicate, (await rig.Store.AppendAsync(mark)).Status, "the same, sent again");
        Expect.Equal(AppendStatus.Gap, (await rig.Store.AppendAsync(mark with { Sequence = 4 })).Status,
            "one behind a number that was not given");
        Expect.Same(["a"], await rig.ReadAsync(Orders), "what is stored");
        ProducerState heir = await rig.Store.OpenProducerAsync(Orders, "clock");
        Expect.Equal((2L, "12:05"), (heir.Last, System.Text.Encoding.UTF8.GetString(heir.Position.Span)), "number and position");
        Expect.Equal(AppendStatus.Refused, (await rig.Store.AppendAsync(mark with { Sequence = 3 })).Status,
            "an append of a producer that another sender has opened since");
    }

    public static async Task AProducerIsForgottenAfterItsWindowOnly(Rig rig)
    {
        await rig.PrepareAsync();
        using EntryBatch batch = Batch("a");
        var request = new AppendRequest(Orders, "key-1", 0, 1, batch) { ForgetAfter = 3 * Minute };
        AppendResult first = await rig.Store.AppendAsync(request);
        await rig.PassAsync(Minute);
        Expect.Equal(first with { Status = AppendStatus.Duplicate }, await rig.Store.AppendAsync(request),
            "a repetition within the window");
        await rig.PassAsync(3 * Minute);
        Expect.Equal(AppendStatus.Accepted, (await rig.Store.AppendAsync(request)).Status, "a repetition beyond the window");
    }

    // An opened producer ends: its last append sets how long it must be remembered. Later appends are never accepted.
    public static async Task AProducerThatHasEndedIsForgotten(Rig rig)
    {
        await rig.PrepareAsync();
        ProducerState sender = await rig.Store.OpenProducerAsync(Orders, "sender");
        using EntryBatch batch = Batch("a"), late = Batch("late"), none = Batch();
        await rig.Store.AppendAsync(new(Orders, "sender", sender.Epoch, 1, batch) { ForgetAfter = 3600 * Second });
        var end = new AppendRequest(Orders, "sender", sender.Epoch, 2, none)
        {
            Position = ReadOnlyMemory<byte>.Empty,
            ForgetAfter = 3 * Minute
        };
        Expect.Equal(AppendStatus.Accepted, (await rig.Store.AppendAsync(end)).Status, "the end of a producer");
        await rig.PassAsync(Minute);
        Expect.Equal(AppendStatus.Duplicate, (await rig.Store.AppendAsync(new(Orders, "sender", sender.Epoch, 1, late))).Status,
            "a repetition within the window");
        await rig.PassAsync(3 * Minute);
        Expect.Equal(AppendStatus.Accepted, (await rig.AppendAsync(1, ["b"])).Status, "an append of another sender");
        await Expect.ThrowsAsync<StoreRolledBackException>(() => rig.Store.AppendAsync(new(Orders, "sender", sender.Epoch, 1, late))
            .AsTask(), "a repetition beyond the window");
        ProducerState again = await rig.Store.OpenProducerAsync(Orders, "sender");
        Expect.Equal(0, again.Last, "the last number of a producer that was forgotten");
        Expect.Equal(AppendStatus.Accepted, (await rig.Store.AppendAsync(new(Orders, "sender", again.Epoch, 1,
            batch)
        { ForgetAfter = 3 * Minute })).Status, "an append of a producer that was opened after it was forgotten");
        again = await rig.Store.OpenProducerAsync(Orders, "sender");
        await rig.PassAsync(4 * Minute);
        Expect.Equal(AppendStatus.Accepted, (await rig.Store.AppendAsync(new(Orders, "sender", again.Epoch, 2, batch))).Status,
            "an append of a producer that was opened before it was forgotten");
        Expect.Same(["a", "b", "a", "a"], await rig.ReadAsync(Orders), "what is stored");
    }

    public static async Task ARepetitionIsToldWhatWasRecorded(Rig rig)
    {
        await rig.PrepareAsync();
        using EntryBatch batch = Batch("a", "b");
        var request = new AppendRequest(Orders, "key-1", 0, 1, batch) { ForgetAfter = 3600 * Second, Position = Bytes("hash") };
        Expect.Equal(0, (await rig.Store.AppendAsync(request)).Position.Length, "the position that an append is told which is accepted");
        await rig.ReopenAsync(kill: true);
        AppendResult again = await rig.Store.AppendAsync(request with { Position = Bytes("other") });
        Expect.Equal((AppendStatus.Duplicate, 2L, "hash"),
            (again.Status, again.Last, System.Text.Encoding.UTF8.GetString(again.Position.Span)),
                "what a repetition is told after a restart");
        AppendResult[] overlapping = await Task.WhenAll(Enumerable.Range(0, 8).Select(async _ =>
        {
            await Task.Yield();
            using EntryBatch one = Batch("c");
            return await rig.Store.AppendAsync(new AppendRequest(Orders, "key-2", 0, 1, one)
            {
                ForgetAfter = 3600 * Second,
                Position = Bytes("hash")
            });
        }));
        Expect.Same([1L], overlapping.Where(static result => result.Status == AppendStatus.Accepted).Select(static result => result.Last),
            "the numbers of the repetitions that were accepted, of eight at once");
        Expect.Same(["a", "b", "c"], await rig.ReadAsync(Orders), "what is stored");
    }

    public static async Task EntriesOfAKeyShareAPartitionInOrder(Rig rig)
    {
        await rig.PrepareAsync(new() { Partitions = 4 });
        using var batch = new EntryBatch();
        for (int i = 0; i < 40; i++) batch.Add(Bytes($"{i}").Span, EntryKey.Of($"key {i % 10}"));
        await rig.Store.AppendAsync(new(Orders, "p", 0, 1, batch));
        int found = 0;
        for (int partition = 0; partition < 4; partition++)
        {
            int[] there = [.. (await rig.ReadAsync(Orders, 1, partition)).Select(int.Parse)];
            found += there.Length;
            Expect.Same(Enumerable.Range(0, 40).Where(i => EntryKey.Of($"key {i % 10}").PartitionOf(4) == partition), there,
                $"partition {partition}");
        }
        Expect.Equal(40, found, "entries in all partitions");
        AppendResult result = await rig.AppendAsync(41, ["x", "y", "z"]);
        EntryId first = result.First!.Value;
        Expect.Same(["x", "y", "z"], await rig.ReadAsync(Orders, first.Sequence, first.Partition),
            "entries without keys of one append, from the id of the first");
    }

    public static async Task EntriesOfAnAppendMayGoToManyPartitions(Rig rig)
    {
        const int Count = AppendRequest.MaxSpread;
        await rig.PrepareAsync(new() { Partitions = Count });
        using var batch = new EntryBatch();
        HashSet<int> chosen = [];
        for (int number = 0; chosen.Count < Count; number++)
            if (EntryKey.Of($"{number}") is var key && chosen.Add(key.PartitionOf(Count))) batch.Add(Bytes($"{number}").Span, key);
        AppendResult result = await rig.Store.AppendAsync(new(Orders, "p", 0, 1, batch));
        Expect.Equal((AppendStatus.Accepted, (long)Count), (result.Status, result.Last), $"an append to {Count} partitions");
        GroupInfo group = (await rig.Store.FindGroupAsync(Main))!;
        Expect.Equal(Count, group.Partitions.Count(static partition => partition.Tail == 1), "partitions that have got one entry");
    }

    public static async Task AnEntryThatIsTooLongIsRefusedByName(Rig rig)
    {
        await rig.PrepareAsync(new() { MaxEntryBytes = 10 });
        PayloadException failure = await Expect.ThrowsAsync<PayloadException>(() => rig.AppendAsync(1, ["short", "eleven byte"]),
            "an append of a long entry");
        Expect.True(failure.Message.Contains(Orders, StringComparison.Ordinal), $"the message names the stream ({failure.Message})");
        Expect.Equal(AppendStatus.Accepted, (await rig.AppendAsync(1, ["short"])).Status, "the number is still free");
        Expect.Same(["short"], await rig.ReadAsync(Orders), "what is stored");
    }

    public static async Task AnEntryKeepsEverythingItWasGiven(Rig rig)
    {
        await rig.PrepareAsync();
        using var batch = new EntryBatch { CodeVersion = 3, FlowVersion = 7 };
        batch.Add(Bytes("payload").Span, EntryKey.Of("key"), Bytes("headers").Span);
        batch.Add([]);
        DateTimeOffset before = await rig.Store.GetTimeAsync();
        await rig.Store.AppendAsync(new(Orders, "p", 0, 1, batch));
        batch.Clear();
        batch.Add(Bytes("something else entirely").Span);
        await rig.ReopenAsync(kill: true);
        Entry[] read = (await rig.Store.ReadAsync(new(Orders, 0, 1))).Entries.ToArray();
        (Ownership owner, _) = await rig.TakeAsync();
        DateTimeOffset after = await rig.Store.GetTimeAsync();
        foreach (Entry entry in new[] { read[0], (await rig.LeaseAsync(owner))[0] })
        {
            Expect.Equal((1L, rig.Store.Generation, EntryKey.Of("key"), 3, 7),
                (entry.Sequence, entry.Generation, entry.Key, entry.CodeVersion, entry.FlowVersion), "the entry");
            Expect.Equal(("headers", "payload"), (System.Text.Encoding.UTF8.GetString(entry.Headers.Span), Text(entry)), "its bytes");
            Expect.True(before <= entry.Time && entry.Time <= after, $"it has the store's time ({before:O}, {entry.Time:O}, {after:O})");
        }
        Expect.Equal(0, read[1].Payload.Length, "the length of an empty payload");
    }
}
