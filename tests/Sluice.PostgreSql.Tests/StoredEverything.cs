using System.Globalization;
using System.Text;
using Sluice.Storage;

namespace Sluice.PostgreSql.Tests;

/// <summary>
/// Everything that the contract of stores can keep, in known values. A store that an earlier version has filled in this way is test data:
/// this version must read the same values from it, and go on from there.
/// </summary>
internal static class StoredEverything
{
    private const string Work = "everything", Results = "everything/results", Ended = "everything/ended";
    private static readonly GroupId Workers = new(Work, "workers"), Paused = new(Work, "paused");
    private static readonly string LongKey = new('k', 700);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <summary>Fills a store, and leaves partly done work as a process that is killed leaves it.</summary>
    public static async Task FillAsync(IStreamStore store)
    {
        await store.OpenStreamAsync(Work, new() { Partitions = 2, Retention = Retention.All, MaxEntryBytes = 5000 }, Cancellation);
        await store.OpenStreamAsync(Results, new() { Partitions = 1, MaxItems = 8 }, Cancellation);
        await store.AddGroupAsync(Workers, cancellation: Cancellation);
        await store.AddGroupAsync(Paused, StreamStart.New, Cancellation);
        await store.PauseGroupAsync(Paused, true, Cancellation);
        await store.OpenReaderAsync(Work, "reader", new() { AppliesBackpressure = false }, Cancellation);
        await store.OpenReaderAsync(Results, "reader", new() { IdleTimeout = TimeSpan.FromDays(9999) }, Cancellation);
        await store.OpenStreamAsync(Ended, new() { Partitions = 1 }, Cancellation);
        await store.EndStreamAsync(Ended, new("It was broken."), Cancellation);

        long epoch = (await store.OpenProducerAsync(Work, "producer", Cancellation)).Epoch;
        await AppendAsync(store, new(Work, "producer", epoch, 1, Batch(0, 1, 10)) { Position = Bytes("ten") });
        await AppendAsync(store, new(Work, "$key/once", 0, 1, Batch(1, 1, 3)) { ForgetAfter = TimeSpan.FromDays(9999) });
        using (var none = new EntryBatch())
            await AppendAsync(store, new(Work, "counter", 0, 1, none)
            { Batches = [new("batch") { Accepted = 3, Ended = 1, Failed = 1 }] });
        await store.HeartbeatAsync(new(Workers, "member", "member1", TimeSpan.FromSeconds(10)), Cancellation);

        var member = new AcquireRequest("member") { Version = 3, Instance = "member1" };
        Ownership owner = (await store.AcquireAsync(Workers, 0, member, Cancellation)).Ownership;
        Assert.Equal(7, (await LeaseAsync(store, owner, 7)).Length);
        using EntryBatch output = Batch(0, 1, 2);
        await CommitAsync(store, new(owner, 1)
        {
            Settled = [new(1, 1), new(3, 4)],        // four of seven, out of order
            Deferred = [new(2, 2, TimeSpan.FromDays(9999), "node", "not yet"), new(5, 1, null, "node", "parked")],
            Dead = [new(4, "node", "FormatException: broken", 3) { Path = "first/node" }],
            Outputs = [new(Results, output)],
            State = [new("sum", "", 2, Bytes("10")), new("sum", LongKey, 2, Bytes("long"))],
            FileLengths = [new("file.txt", 1234)],
            Cursors = [new(Work, "reader", 0, 4)],
            Readers = [new(Results, "opened", new())],
        });
        // Another member takes it over: what was in flight is suspect. One of the suspects is tried alone, and that process dies as well.
        Ownership later = (await store.AcquireAsync(Workers, 0, new("later") { Version = 4, Instance = "later1" }, Cancellation)).Ownership;
        Quarantine quarantine = (await store.AcquireQuarantineAsync(Workers, "later", 0, Cancellation))!.Value;
        LeaseResult alone = await store.LeaseAsync(new([later]) { Quarantine = quarantine }, Cancellation);
        Assert.Equal(6, Assert.Single(alone.Batches.Single().Entries.ToArray()).Sequence);
        Ownership other = (await store.AcquireAsync(Workers, 1, new("member") { Instance = "member1" }, Cancellation)).Ownership;
        Assert.Equal(ReserveStatus.Reserved, await store.ReserveAsync(other, Results, 3, 300, Cancellation));
    }

    /// <summary>Reads what <see cref="FillAsync"/> has stored.</summary>
    public static async Task CheckAsync(IStreamStore store)
    {
        StreamInfo work = (await store.FindStreamAsync(Work, Cancellation))!;
        StreamInfo results = (await store.FindStreamAsync(Results, Cancellation))!;
        Assert.Equal((13L, 2, Retention.All, 5000), (work.Appended, work.Options.Partitions, work.Options.Retention,
            work.Options.MaxEntryBytes));
        Assert.Equal((2L, 8L), (results.Appended, results.Options.MaxItems));
        Assert.Equal("It was broken.", (await store.FindStreamAsync(Ended, Cancellation))!.End!.Failure);
        Entry[] entries = (await store.ReadAsync(new(Work, 0, 1), Cancellation)).Entries.ToArray();
        Assert.Equal(Enumerable.Range(1, 10).Select(static n => $"{n}: header {n}"), entries.Select(static entry => Text(entry)));
        Assert.Equal(["1: header 1", "2: header 2", "3: header 3"],
            (await store.ReadAsync(new(Work, 1, 1), Cancellation)).Entries.ToArray().Select(static entry => Text(entry)));
        Assert.Equal(2, (await store.ReadAsync(new(Results, 0, 1), Cancellation)).Entries.Length);

        Assert.NotNull((await store.FindGroupAsync(Paused, Cancellation))!.PausedAt);
        GroupInfo workers = (await store.FindGroupAsync(Workers, Cancellation))!;
        Assert.False(workers.IsPaused || workers.IsDraining);
        MemberInfo member = Assert.Single(workers.Members);
        Assert.Equal(("member", "member1", TimeSpan.FromSeconds(10)), (member.Name, member.Instance, member.LeaseDuration));
        Assert.True(workers.QuarantineEpoch > 0);
        Assert.Equal(("later", "later", 3, 7L), (workers.QuarantineOwner, workers.Partitions[0].Owner, workers.Partitions[0].Version,
            workers.Partitions[0].Dispatched));

        Assert.Equal(["2 Retrying 2 node not yet", "5 Parked 1 node parked", "6 InFlight 0  ", "7 Suspect 0  "],
            (await store.ListWaitingAsync(Workers, 0, cancellation: Cancellation)).Select(static waiting =>
                $"{waiting.Entry.Sequence} {waiting.Status} {waiting.Attempts} {waiting.Node} {waiting.Error}"));
        StoredDeadLetter letter = Assert.Single(await store.ListDeadAsync(Workers, cancellation: Cancellation));
        Assert.Equal((1L, 4L, "4: header 4", "node", "first/node", "FormatException: broken", 3), (letter.Number, letter.Root,
            Text(letter.Entry), letter.Node, letter.Path, letter.Error, letter.Attempts));
        Assert.Equal([("", "10"), (LongKey, "long")], (await store.ListStateAsync(Workers, 0, "sum", cancellation: Cancellation))
            .Select(static row => (row.Key, Encoding.UTF8.GetString(row.Value!.Value.Span))));
        Assert.Equal([4L, 1L], Assert.Single(work.Readers).Next);
        Assert.Equal(["opened", "reader"], results.Readers.Select(static reader => reader.Name).Order(StringComparer.Ordinal));
    }

    /// <summary>Goes on from what <see cref="FillAsync"/> has stored until all is done.</summary>
    public static async Task GoOnAsync(IStreamStore store)
    {
        ProducerState producer = await store.OpenProducerAsync(Work, "producer", Cancellation);
        Assert.True(producer.Epoch > 1);             // it was opened before
        Assert.Equal((10L, "ten"), (producer.Last, Encoding.UTF8.GetString(producer.Position.Span)));
        using EntryBatch repeated = Batch(1, 1, 3);
        AppendResult duplicate = await store.AppendAsync(new(Work, "$key/once", 0, 1, repeated), Cancellation);
        Assert.Equal((AppendStatus.Duplicate, new EntryId(1, Work, 1, 1)), (duplicate.Status, duplicate.First));
        await AppendAsync(store, new(Work, "producer", producer.Epoch, 11, Batch(0, 11, 1)));

        // Two results and three reserved places of eight: four are too many. They are free when their owner has gone.
        using EntryBatch more = Batch(0, 3, 4);
        Assert.Equal(AppendStatus.Full, (await store.AppendAsync(new(Results, "other", 0, 1, more), Cancellation)).Status);
        AcquireResult taken = await store.AcquireAsync(Workers, 0, new("last") { Version = 4, Instance = "last1" }, Cancellation);
        Assert.Equal((AcquireStatus.Taken, 1L, 1234L), (taken.Status, taken.State!.LastCommit, taken.State.FileLengths["file.txt"]));
        Ownership other = (await store.AcquireAsync(Workers, 1, new("last") { Instance = "last1" }, Cancellation)).Ownership;
        Assert.Equal(AppendStatus.Accepted, (await store.AppendAsync(new(Results, "other", 0, 1, more), Cancellation)).Status);

        Assert.Equal(3, (await LeaseAsync(store, other, 100)).Length);
        await CommitAsync(store, new(other, 1) { Settled = [new(1, 3)] });
        Ownership owner = taken.Ownership;
        Assert.Equal([8L, 9L, 10L, 11L], (await LeaseAsync(store, owner, 100)).Select(static entry => entry.Sequence));
        long epoch = (await store.FindGroupAsync(Workers, Cancellation))!.QuarantineEpoch;
        Quarantine quarantine = (await store.AcquireQuarantineAsync(Workers, "last", epoch, Cancellation))!.Value;
        List<(long, int)> suspects = [];
        for (long commit = 2; suspects.Count < 2; commit++)
        {
            LeaseResult alone = await store.LeaseAsync(new([owner]) { Quarantine = quarantine }, Cancellation);
            Entry suspect = Assert.Single(alone.Batches.Single().Entries.ToArray());
            suspects.Add((suspect.Sequence, suspect.Attempt));
            await CommitAsync(store, new(owner, commit) { Settled = [new(suspect.Sequence, suspect.Sequence)] });
        }
        Assert.Equal([(6L, 2), (7L, 1)], suspects);
        Assert.Equal(1, await store.RedriveAsync(Workers, [1], Cancellation));
        Entry redriven = Assert.Single(await LeaseAsync(store, owner, 100));
        Assert.Equal("4: header 4", Text(redriven));
        await CommitAsync(store, new(owner, 4)
        {
            Settled = [new(2, 2), new(5, 5), new(8, 11), new(redriven.Sequence, redriven.Sequence)],
            Batches = [new("batch") { Ended = 2, Close = true, MarkerStreams = [Results] }],
        });
        BatchCounts counts = BatchCounts.Read((await store.ReadAsync(new(Results, 0, 7), Cancellation)).Entries.Span[0].Payload.Span);
        Assert.Equal((3L, 3L, 1L), (counts.Accepted, counts.Ended, counts.Failed));
        Assert.Equal(0, (await store.FindGroupAsync(Workers, Cancellation))!.Partitions[0].Waiting);
        await store.PauseGroupAsync(Paused, false, Cancellation);
        await store.DrainGroupAsync(Paused, Cancellation);
        Assert.True((await store.FindGroupAsync(Paused, Cancellation))!.IsDraining);
        Assert.Empty((await store.CheckAsync(Cancellation)).Problems);
        Assert.True(await store.DeleteStreamAsync(Work, Cancellation));
    }

    private static EntryBatch Batch(int partition, int first, int count)
    {
        var batch = new EntryBatch();
        string key = Enumerable.Range(0, 100).Select(static n => $"{n}").First(key => EntryKey.Of(key).PartitionOf(2) == partition);
        for (int n = first; n < first + count; n++)
            batch.Add(Encoding.UTF8.GetBytes($"{n}"), EntryKey.Of(key), Encoding.UTF8.GetBytes($"header {n}"));
        return batch;
    }

    private static async Task AppendAsync(IStreamStore store, AppendRequest request)
    {
        using EntryBatch entries = request.Entries;
        Assert.Equal(AppendStatus.Accepted, (await store.AppendAsync(request, Cancellation)).Status);
    }

    private static async Task CommitAsync(IStreamStore store, StoreCommit commit)
        => Assert.Equal(CommitStatus.Committed, (await store.CommitAsync(commit, Cancellation)).Status);

    private static async Task<Entry[]> LeaseAsync(IStreamStore store, Ownership owner, int max)
        => [.. (await store.LeaseAsync(new([owner]) { MaxItems = max }, Cancellation)).Batches
            .SelectMany(static batch => batch.Entries.ToArray())];

    private static string Text(Entry entry) => string.Create(CultureInfo.InvariantCulture,
        $"{Encoding.UTF8.GetString(entry.Payload.Span)}: {Encoding.UTF8.GetString(entry.Headers.Span)}");

    private static ReadOnlyMemory<byte> Bytes(string text) => Encoding.UTF8.GetBytes(text);
}
