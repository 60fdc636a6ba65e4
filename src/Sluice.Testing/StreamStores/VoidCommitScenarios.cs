using static Sluice.Testing.Rig;

namespace Sluice.Testing;

/// <summary>Commits that must leave no trace.</summary>
internal static class VoidCommitScenarios
{
    public static async Task OneEntryThatIsNotOutstandingVoidsTheWholeCommit(Rig rig)
    {
        Ownership owner = await StartAsync(rig);
        await rig.SettleAsync(owner, 1, 2);
        foreach (long stale in new[] { 2L, 5, 77, 0, -1 })
        {
            CommitResult result = await rig.Store.CommitAsync(Everything(owner, 2) with { Settled = [new(1, 1), new(stale, stale)] });
            Expect.Equal(CommitStatus.NotOutstanding, result.Status, $"a commit that settles {stale}");
            result = await rig.Store.CommitAsync(Everything(owner,
                2) with
            { Deferred = [new(1, 1, TimeSpan.Zero), new(stale, 1, TimeSpan.Zero)], Settled = [] });
            Expect.Equal(CommitStatus.NotOutstanding, result.Status, $"a commit that defers {stale}");
            result = await rig.Store.CommitAsync(Everything(owner, 2) with { Dead = [new(stale, "node", "dead", 1)] });
            Expect.Equal(CommitStatus.NotOutstanding, result.Status, $"a commit that buries {stale}");
        }
        await UntouchedAsync(rig, owner, 2);
    }

    public static async Task AnEntryEndsOnceInACommit(Rig rig)
    {
        Ownership owner = await StartAsync(rig);
        Expect.Equal(CommitStatus.NotOutstanding, (await rig.Store.CommitAsync(Everything(owner,
            1) with
        { Settled = [new(1, 2), new(2, 3)] })).Status, "settling 2 twice");
        Expect.Equal(CommitStatus.NotOutstanding,
            (await rig.Store.CommitAsync(Everything(owner, 1) with { Settled = [new(1, 3)], Deferred = [new(2, 1, null)] })).Status,
                "settling and deferring 2");
        await UntouchedAsync(rig, owner, 1);
    }

    public static async Task ACommitAheadOfItsNumberIsVoid(Rig rig)
    {
        Ownership owner = await StartAsync(rig);
        Expect.Equal(CommitStatus.Gap, (await rig.Store.CommitAsync(Everything(owner, 2))).Status, "commit 2 before commit 1");
        Expect.Equal(CommitStatus.Stale, (await rig.Store.CommitAsync(Everything(owner, 0))).Status, "commit 0");
        await UntouchedAsync(rig, owner, 1);
    }

    public static async Task AnOutputThatHasEndedVoidsTheCommit(Rig rig)
    {
        Ownership owner = await StartAsync(rig);
        await rig.Store.OpenStreamAsync("ended", new() { Partitions = 1 });
        await rig.Store.EndStreamAsync("ended", StreamEnd.Complete);
        StoreCommit commit = Everything(owner, 1);
        CommitResult result = await rig.Store.CommitAsync(commit with { Outputs = [.. commit.Outputs, new("ended", Batch("x"))] });
        Expect.Equal(CommitStatus.OutputEnded, result.Status, "a commit with an output that has ended");
        Expect.True(result.Detail?.Contains("ended", StringComparison.Ordinal) == true, "the result names the stream");
        await UntouchedAsync(rig, owner, 1);
    }

    public static async Task ACommitThatNamesAMissingStreamOrHasALongEntryFailsWhole(Rig rig)
    {
        Ownership owner = await StartAsync(rig);
        StoreCommit commit = Everything(owner, 1);
        foreach (StoreCommit missing in new[]
        {
            commit with { Outputs = [.. commit.Outputs, new("missing", Batch("x"))] },
            commit with { Cursors = [new("missing", "r", 0, 1)] },
            commit with { Readers = [new("missing", "r", new())] },
            commit with { Ends = [new("missing", StreamEnd.Complete)] },
        })
        {
            StreamStoreException failure = await Expect.ThrowsAsync<StreamStoreException>(() => rig.Store.CommitAsync(missing).AsTask(),
                "a commit that names a missing stream");
            Expect.True(failure.Message.Contains("missing", StringComparison.Ordinal), $"the message names the stream ({failure.Message})");
        }
        await rig.Store.OpenStreamAsync("short", new() { Partitions = 1, MaxEntryBytes = 10 });
        PayloadException tooLong = await Expect.ThrowsAsync<PayloadException>(
            () => rig.Store.CommitAsync(commit with { Outputs = [.. commit.Outputs, new("short", Batch("x", "eleven byte"))] }).AsTask(),
            "a commit with an entry that is longer than its stream allows");
        Expect.True(tooLong.Message.Contains("short", StringComparison.Ordinal), $"the message names the stream ({tooLong.Message})");
        await UntouchedAsync(rig, owner, 1);
        Expect.Same([], await rig.ReadAsync("short"), "what a stream has got that an entry was too long for");
    }

    public static async Task ACommitThatIsTooLargeFailsByName(Rig rig)
    {
        Ownership owner = await StartAsync(rig);
        using EntryBatch many = Batch([.. Enumerable.Repeat("x", StoreCommit.MaxItems)]);
        using EntryBatch large = Batch(new string('x', StoreCommit.MaxBytes + 1));
        StoreCommit commit = Everything(owner, 1);
        // Neighbouring entries would be one range; these are not neighbours.
        SequenceRange[] apart = [.. Enumerable.Range(1, StoreCommit.MaxItems / 2).Select(i => new SequenceRange(2 * i, 2 * i))];
        foreach (StoreCommit tooLarge in new[]
        {
            commit with { Outputs = [new(Results, many)] },
            commit with { Outputs = [new(Results, large)] },
            commit with { Settled = apart },
            commit with { Deferred = [.. apart.Select(range => new RetryWrite(range.First, 1, TimeSpan.Zero))] },
            commit with { Cursors = [.. Enumerable.Repeat(new CursorCommit(Results, "r", 0, 1), StoreCommit.MaxItems)] },
        })
        {
            StreamStoreException failure = await Expect.ThrowsAsync<StreamStoreException>(() => rig.Store.CommitAsync(tooLarge).AsTask(),
                "a commit beyond the limits");
            Expect.True(failure.Message.Contains(Orders, StringComparison.Ordinal), $"the message names the stream ({failure.Message})");
        }
        Ownership untouched = await UntouchedAsync(rig, owner, 1);
        await rig.CommitAsync(new(untouched, 2) { Outputs = [new(Results, large)] });
    }

    public static async Task ACommitOfAFormerOwnerIsVoid(Rig rig)
    {
        Ownership former = await StartAsync(rig);
        await rig.Store.ReleaseAsync(former);
        (Ownership owner, _) = await rig.TakeAsync("b");
        await rig.LeaseAsync(owner, 4);
        Expect.Equal(CommitStatus.Stale, (await rig.Store.CommitAsync(Everything(former, 1))).Status, "a commit of the former owner");
        await UntouchedAsync(rig, owner, 1);
    }

    public static async Task AnAttachmentThatTheStoreCannotWriteFailsWhole(Rig rig)
    {
        Ownership owner = await StartAsync(rig);
        StreamStoreException failure = await Expect.ThrowsAsync<StreamStoreException>(
            () => rig.Store.CommitAsync(Everything(owner, 1) with { Attachments = [new Foreign()] }).AsTask(),
                "a commit with a foreign attachment");
        Expect.True(failure.Message.Contains("a store of clay", StringComparison.Ordinal),
            $"the message says who could write it ({failure.Message})");
        await UntouchedAsync(rig, owner, 1);
    }

    private static async Task<Ownership> StartAsync(Rig rig)
    {
        await rig.PrepareAsync();
        await rig.Store.OpenStreamAsync("ending", new() { Partitions = 1 });
        await rig.AddAsync("a", "b", "c", "d", "e");
        await rig.Store.OpenReaderAsync(Orders, "place");
        (Ownership owner, _) = await rig.TakeAsync();
        await rig.LeaseAsync(owner, 4);
        return owner;
    }

    private static StoreCommit Everything(Ownership owner, long sequence) => new(owner, sequence)
    {
        Settled = [new(1, 1)],
        Outputs = [new(Results, Batch("out"))],
        Derived = Batch("derived"),
        State = [new("sum", "", 0, Bytes("42"))],
        FileLengths = [new("file", 42)],
        Readers = [new(Results, "watcher", new())],
        Cursors = [new(Orders, "place", 0, 2)],
        Ends = [new("ending", StreamEnd.Complete)],
        Batches = [new("batch") { Close = true, MarkerStreams = [Results] }],
    };

    // Nothing that Everything writes is stored, and the commit's number is still free. Returns the ownership under which Everything was
    // committed: only a taking shows the lengths of files.
    private static async Task<Ownership> UntouchedAsync(Rig rig, Ownership owner, long commit)
    {
        Expect.Equal(0, (await rig.ReadAsync()).Length, "outputs and markers of a void commit");
        Expect.Equal(0, (await rig.Store.ReadStateAsync(Main, 0, "sum", [""])).Count, "state rows of a void commit");
        Expect.Equal(0, (await rig.Store.FindStreamAsync(Results))!.Readers.Count, "readers of a void commit");
        Expect.Same([("place", 1L)], (await rig.Store.FindStreamAsync(Orders))!.Readers.Select(reader => (reader.Name, reader.Next[0])),
            "the place of a reader after a void commit");
        Expect.Equal(null, (await rig.Store.FindStreamAsync("ending"))!.End, "the end of a stream after a void commit");
        Expect.Equal(0, (await rig.Store.ListDeadAsync(Main)).Count, "dead letters of a void commit");
        IReadOnlyList<WaitingEntry> waiting = await rig.Store.ListWaitingAsync(Main, 0);
        Expect.True(waiting.Any(entry => entry.Entry.Sequence == 1), "entry 1 is outstanding after a void commit");
        Expect.True(waiting.All(entry => entry.Status == WaitingStatus.InFlight), "what is outstanding is in flight after a void commit");
        await rig.Store.ReleaseAsync(owner);
        (owner, PartitionState state) = await rig.TakeAsync();
        Expect.Equal(0, state.FileLengths.Count, "file lengths of a void commit");
        Expect.Equal(commit - 1, state.LastCommit, "the last commit");
        await rig.LeaseAsync(owner, 4);
        await rig.CommitAsync(Everything(owner, commit));
        Expect.Equal(2, (await rig.ReadAsync()).Length, "output and marker of the same commit, put right");
        return owner;
    }

    private sealed class Foreign : ICommitAttachment
    {
        public string WrittenBy => "a store of clay";
    }
}
