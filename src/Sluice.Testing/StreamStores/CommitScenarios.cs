using static Sluice.Testing.Rig;

namespace Sluice.Testing;

internal static class CommitScenarios
{
    // Checks every part of a commit after it, and after a kill.
    public static async Task ACommitIsAppliedWhollyAndStaysApplied(Rig rig)
    {
        await rig.PrepareAsync();
        await rig.Store.OpenStreamAsync("more", new() { Partitions = 1 });
        await rig.AddAsync("a", "b", "c", "d", "e");
        await rig.AppendAsync(1, ["out 0"], stream: Results);
        (Ownership owner, _) = await rig.TakeAsync();
        await rig.LeaseAsync(owner);
        using EntryBatch one = Batch("out 1", "out 2"), two = Batch("more"), derived = Batch("derived");
        await rig.CommitAsync(new(owner, 1)
        {
            Settled = [new(1, 2), new(4, 4)],
            Deferred = [new(3, 1, 2 * Second, "node", "failed"), new(5, 0, null, "", "behind 3")],
            Dead = [new(4, "broken", "no way", 3)],
            Outputs = [new(Results, one), new("more", two)],
            Derived = derived,
            State = [new("sum", "k", 2, Bytes("41")), new("sum", "k", 2, Bytes("42")), new("sum", "", 1, Bytes("all"))],
            FileLengths = [new("out.csv", 100)],
            Readers = [new(Results, "watcher", new())],
            Cursors = [new(Results, "watcher", 0, 2)],
        });
        for (int look = 0; look < 2; look++)
        {
            Expect.Same(["out 1", "out 2"], await rig.ReadAsync(from: 2), "the first output");
            Expect.Same(["more"], await rig.ReadAsync("more"), "the second output");
            IReadOnlyList<WaitingEntry> waiting = await rig.Store.ListWaitingAsync(Main, 0);
            Expect.Same([("derived", 0, ""), ("c", 1, "failed"), ("e", 0, "behind 3")],
                waiting.Select(entry => (Text(entry.Entry), entry.Attempts, entry.Error)), "what waits");
            Expect.Same([-1L, 3, 5], waiting.Select(entry => entry.Entry.Sequence), "its sequences");
            Expect.Same([WaitingStatus.Retrying, WaitingStatus.Retrying, WaitingStatus.Parked], waiting.Select(entry => entry.Status),
                "how it waits");
            Expect.Same([("d", "broken", "no way", 3)],
                (await rig.Store.ListDeadAsync(Main)).Select(letter => (Text(letter.Entry), letter.Node, letter.Error, letter.Attempts)),
                    "dead letters");
            Expect.Same(["42"], (await rig.Store.ReadStateAsync(Main, 0, "sum", ["k", "none"])).Select(row =>
                System.Text.Encoding.UTF8.GetString(row.Value!.Value.Span)), "state");
            StreamInfo results = (await rig.Store.FindStreamAsync(Results))!;
            Expect.Same([("watcher", 2L, 2L)], results.Readers.Select(reader => (reader.Name, reader.Next[0], reader.Backlog)), "readers");
            Expect.Equal(3, await rig.BacklogAsync(), "outstanding entries");
            await rig.ReopenAsync(kill: true);
        }
        (_, PartitionState state) = await rig.TakeAsync("b");
        Expect.Equal((5L, 5L, 1L, 100L), (state.Dispatched, state.Done, state.LastCommit, state.FileLengths["out.csv"]),
            "dispatched, done, last commit, file length");
    }

    public static async Task ARepeatedCommitGetsTheResultOfTheFirst(Rig rig)
    {
        Ownership owner = await rig.LeaseNewAsync("a", "b");
        using EntryBatch output = Batch("out");
        var commit = new StoreCommit(owner, 1) { Settled = [new(1, 1)], Outputs = [new(Results, output)] };
        await rig.CommitAsync(commit);
        await rig.CommitAsync(commit);
        await rig.ReopenAsync(kill: true);
        await rig.CommitAsync(commit);
        await rig.TakeAsync("b");
        await rig.CommitAsync(commit);
        Expect.Same(["out"], await rig.ReadAsync(), "outputs of a commit sent four times");
        Expect.Equal(1, await rig.BacklogAsync(), "outstanding entries");
    }

    public static async Task ALateDuplicateAfterASuccessorsCommitIsVoid(Rig rig)
    {
        Ownership first = await rig.LeaseNewAsync("a", "b");
        using EntryBatch output = Batch("first");
        StoreCommit commit = Rig.FirstCommit(first, new(1, 1), output, "first");
        await rig.CommitAsync(commit);
        (Ownership second, PartitionState state) = await rig.TakeAsync("b");
        Expect.Equal(1, state.LastCommit, "the last commit, as the successor finds it");
        await rig.CommitAsync(new(second, 2) { State = [new("sum", "", 0, Bytes("second"))] });
        Expect.Equal(CommitStatus.Stale, (await rig.Store.CommitAsync(commit)).Status, "the late duplicate");
        Expect.Same(["first"], await rig.ReadAsync(), "outputs");
        StateRow row = (await rig.Store.ReadStateAsync(Main, 0, "sum", [""])).Single();
        Expect.Equal("second", System.Text.Encoding.UTF8.GetString(row.Value!.Value.Span), "state");
    }

    public static async Task EntriesThatEndEarlyDoNotComeBack(Rig rig)
    {
        Ownership owner = await rig.LeaseNewAsync("a", "b", "c", "d");
        await rig.SettleAsync(owner, 1, 3);
        await rig.SettleAsync(owner, 2, 2);
        Expect.Equal(0L, (await rig.Store.FindGroupAsync(Main))!.Partitions[0].Done, "done, while the first is not");
        await rig.ReopenAsync(kill: true);
        (owner, PartitionState state) = await rig.TakeAsync("b");
        Expect.Same([1L, 4], state.Waiting.Select(entry => entry.Entry.Sequence), "suspects");
        Quarantine? quarantine = await rig.Store.AcquireQuarantineAsync(Main, "b", 0);
        await rig.LeaseAsync(owner, quarantine: quarantine);
        await rig.SettleAsync(owner, 3, 1);
        await rig.LeaseAsync(owner, quarantine: quarantine);
        await rig.SettleAsync(owner, 4, 4);
        PartitionInfo partition = (await rig.Store.FindGroupAsync(Main))!.Partitions[0];
        Expect.Equal((4L, 0L), (partition.Done, partition.Waiting), "done and waiting at the end");
        Expect.Equal(0, (await rig.Store.FindStreamAsync(Orders))!.Items, "entries left in the store");
    }

    // A cycle: the commit exceeds the bound, and does not wait for room that only it can make.
    public static async Task OutputsGoToTheStreamTheyComeFromAsWell(Rig rig)
    {
        await rig.PrepareAsync(new() { MaxItems = 1 });
        await rig.AddAsync("a");
        (Ownership owner, _) = await rig.TakeAsync();
        Entry entry = (await rig.LeaseAsync(owner)).Single();
        using EntryBatch again = Batch("b", "c");
        await rig.CommitAsync(new(owner, 1) { Settled = [new(entry.Sequence, entry.Sequence)], Outputs = [new(Orders, again)] });
        Expect.Equal(AppendStatus.Full, (await rig.AppendAsync(1, ["d"])).Status, "an append beyond the overshot bound");
        Expect.Same(["b", "c"], Texts(await rig.LeaseAsync(owner)), "what the commit sent to its own stream");
        await rig.SettleAsync(owner, 2, 2, 3);
        Expect.Equal(AppendStatus.Accepted, (await rig.AppendAsync(1, ["d"])).Status, "an append when there is room again");
    }

    public static async Task ABatchEndsWithItsLastEntryOnce(Rig rig)
    {
        await rig.PrepareAsync();
        BatchChange change = new("day 1") { MarkerStreams = [Results], MarkerHeaders = Bytes("end of day 1") };
        using EntryBatch items = Batch("a", "b", "c"), none = Batch();
        var first = new AppendRequest(Orders, "p", 0, 1, items) { Batches = [change with { Accepted = 3 }] };
        Expect.Equal(AppendStatus.Accepted, (await rig.Store.AppendAsync(first)).Status, "the entries of the batch");
        Expect.Equal(AppendStatus.Duplicate, (await rig.Store.AppendAsync(first)).Status, "the entries, sent again");
        (Ownership owner, _) = await rig.TakeAsync();
        await rig.LeaseAsync(owner);
        await rig.CommitAsync(new(owner, 1) { Settled = [new(1, 1)], Batches = [change with { Ended = 1 }] });
        var close = new AppendRequest(Orders, "p", 0, 4, none) { Batches = [change with { Close = true }] };
        Expect.Equal(new AppendResult(AppendStatus.Accepted, 4, null), await rig.Store.AppendAsync(close), "closing the batch");
        Expect.Equal(AppendStatus.Duplicate, (await rig.Store.AppendAsync(close)).Status, "closing it again");
        using EntryBatch output = Batch("out");
        await rig.CommitAsync(new(owner, 2)
        {
            Settled = [new(2, 2)],
            Outputs = [new(Results, output)],
            Batches = [change with { Ended = 1, Failed = 1 }]
        });
        Expect.Same(["out"], await rig.ReadAsync(), "results before the end of the batch");
        await rig.ReopenAsync(kill: true);
        var last = new StoreCommit(owner, 3)
        {
            Settled = [new(3, 3)],
            Outputs = [new(Results, output)],
            Batches = [change with { Ended = 1 }]
        };
        await rig.CommitAsync(last);
        await rig.CommitAsync(last);
        Entry[] results = (await rig.Store.ReadAsync(new(Results, 0, 1))).Entries.ToArray();
        Expect.Equal(3, results.Length, "results with the marker");
        Expect.Equal((new BatchCounts(3, 3, 1, true), "end of day 1"),
            (BatchCounts.Read(results[2].Payload.Span), System.Text.Encoding.UTF8.GetString(results[2].Headers.Span)), "the marker");
    }

    // All entries have ended before the sender says that there are no more.
    public static async Task ABatchThatIsClosedLastEndsWithItsClose(Rig rig)
    {
        await rig.PrepareAsync();
        BatchChange change = new("day 2") { MarkerStreams = [Results], MarkerHeaders = Bytes("end of day 2") };
        using EntryBatch items = Batch("a", "b"), none = Batch();
        await rig.Store.AppendAsync(new(Orders, "p", 0, 1, items) { Batches = [change with { Accepted = 2 }] });
        (Ownership owner, _) = await rig.TakeAsync();
        await rig.LeaseAsync(owner);
        await rig.CommitAsync(new(owner, 1) { Settled = [new(1, 2)], Batches = [change with { Ended = 2, Failed = 1 }] });
        Expect.Equal(0, (await rig.ReadAsync()).Length, "markers of a batch that is open");
        await rig.ReopenAsync(kill: true);
        var close = new AppendRequest(Orders, "p", 0, 3, none) { Batches = [change with { Close = true }] };
        Expect.Equal(AppendStatus.Accepted, (await rig.Store.AppendAsync(close)).Status, "closing the batch");
        Expect.Equal(AppendStatus.Duplicate, (await rig.Store.AppendAsync(close)).Status, "closing it again");
        await rig.ReopenAsync(kill: true);
        Expect.Equal(AppendStatus.Duplicate, (await rig.Store.AppendAsync(close)).Status, "closing it after a kill");
        Entry[] markers = (await rig.Store.ReadAsync(new(Results, 0, 1))).Entries.ToArray();
        Expect.Same([(new BatchCounts(2, 2, 1, true), "end of day 2")], markers.Select(marker =>
            (BatchCounts.Read(marker.Payload.Span), System.Text.Encoding.UTF8.GetString(marker.Headers.Span))), "markers");
    }

    // The sender completes the stream while entries of the batch wait; then it closes the batch, or has closed it.
    public static async Task ABatchOfAStreamThatIsCompleteEnds(Rig rig)
    {
        await rig.PrepareAsync();
        await rig.Store.OpenStreamAsync("failed", new() { Partitions = 1 });
        BatchChange change = new("day 4") { MarkerStreams = [Orders, "failed", Results], MarkerHeaders = Bytes("end of day 4") };
        using EntryBatch items = Batch("a"), none = Batch();
        await rig.Store.AppendAsync(new(Orders, "p", 0, 1, items) { Batches = [change with { Accepted = 1 }] });
        await rig.Store.EndStreamAsync(Orders, StreamEnd.Complete);
        await rig.Store.EndStreamAsync("failed", new("it broke"));
        await rig.ReopenAsync(kill: true);
        var close = new AppendRequest(Orders, "p", 0, 2, none) { Batches = [change with { Close = true }] };
        Expect.Equal(new AppendResult(AppendStatus.Accepted, 2, null), await rig.Store.AppendAsync(close), "closing the batch");
        Expect.Equal(AppendStatus.Duplicate, (await rig.Store.AppendAsync(close)).Status, "closing it again");
        Expect.Equal(AppendStatus.Ended, (await rig.Store.AppendAsync(close with { Sequence = 3, Position = Bytes("9") })).Status,
            "a position for a stream that is complete");
        Expect.Equal(AppendStatus.Ended, (await rig.Store.AppendAsync(close with { Stream = "failed", Sequence = 1 })).Status,
            "closing a batch of a stream that has failed");
        (Ownership owner, _) = await rig.TakeAsync();
        await rig.LeaseAsync(owner);
        await rig.CommitAsync(new(owner, 1) { Settled = [new(1, 1)], Batches = [change with { Ended = 1 }] });
        await rig.ReopenAsync(kill: true);
        foreach (string stream in (string[])[Orders, Results])
        {
            Entry[] entries = (await rig.Store.ReadAsync(new(stream, 0, stream == Orders ? 2 : 1))).Entries.ToArray();
            Expect.Same([new BatchCounts(1, 1, 0, true)], entries.Select(entry => BatchCounts.Read(entry.Payload.Span)), $"of {stream}");
        }
        Expect.Equal(0L, (await rig.Store.FindStreamAsync("failed"))!.Appended, "markers in a stream that has failed");
        await rig.LeaseAsync(owner);                 // the marker is leased like other entries
        await rig.CommitAsync(new(owner, 2) { Settled = [new(2, 2)] });
    }

    // The listener of a batch may be renamed, and its stream deleted, while entries of the batch wait.
    public static async Task AMarkerForAStreamThatIsGoneIsDropped(Rig rig)
    {
        await rig.PrepareAsync();
        await rig.Store.OpenStreamAsync("gone", new() { Partitions = 1 });
        BatchChange change = new("day 3") { MarkerStreams = ["gone", Results], MarkerHeaders = Bytes("end of day 3") };
        using EntryBatch items = Batch("a", "b"), more = Batch("c"), none = Batch();
        await rig.Store.AppendAsync(new(Orders, "p", 0, 1, items) { Batches = [change with { Accepted = 2 }] });
        (Ownership owner, _) = await rig.TakeAsync();
        await rig.LeaseAsync(owner);
        Expect.Equal(true, await rig.Store.DeleteStreamAsync("gone"), "the stream was there to delete");
        await rig.CommitAsync(new(owner, 1) { Settled = [new(1, 1)], Batches = [change with { Ended = 1 }] });
        Expect.Equal(AppendStatus.Accepted, (await rig.Store.AppendAsync(new(Orders, "p", 0, 3, more)
        { Batches = [change with { Accepted = 1 }] })).Status, "one more entry of the batch");
        await rig.LeaseAsync(owner);
        Expect.Equal(AppendStatus.Accepted, (await rig.Store.AppendAsync(new(Orders, "p", 0, 4, none)
        { Batches = [change with { Close = true }] })).Status, "closing the batch");
        await rig.CommitAsync(new(owner, 2) { Settled = [new(2, 3)], Batches = [change with { Ended = 2 }] });
        await rig.ReopenAsync(kill: true);
        Entry[] markers = (await rig.Store.ReadAsync(new(Results, 0, 1))).Entries.ToArray();
        Expect.Same([new BatchCounts(3, 3, 0, true)], markers.Select(marker => BatchCounts.Read(marker.Payload.Span)), "markers");
        Expect.Equal(null, await rig.Store.FindStreamAsync("gone"), "what FindStreamAsync finds of the deleted stream");
    }

    public static async Task ACommitMayEndStreams(Rig rig)
    {
        Ownership owner = await rig.LeaseNewAsync("a");
        using EntryBatch output = Batch("last");
        await rig.CommitAsync(new(owner, 1)
        {
            Settled = [new(1, 1)],
            Outputs = [new(Results, output)],
            Ends = [new(Results, new StreamEnd("it broke"))]
        });
        await rig.ReopenAsync(kill: true);
        ReadResult read = await rig.Store.ReadAsync(new(Results, 0, 1));
        Expect.Equal((1, "it broke"), (read.Entries.Length, read.End?.Failure), "what is read, and the end");
        Expect.Equal(AppendStatus.Ended, (await rig.AppendAsync(1, ["late"], stream: Results)).Status,
            "an append to a stream that has ended");
        Expect.Equal("it broke", (await rig.Store.EndStreamAsync(Results, StreamEnd.Complete)).Failure, "a second end changes nothing");
    }
}
