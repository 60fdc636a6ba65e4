using Sluice.Storage;

namespace Sluice.PostgreSql.Tests;

/// <summary>
/// A sink that writes rows to another database than the store, stopped at every step of a commit.
/// </summary>
public sealed class SinkDatabaseTests(SharedServer server) : DatabaseSink(server)
{
    // Step 1: the rows are written, but the store has not committed. Step 2: the store has committed, but the sink is not told. A replay
    // may write fewer or other rows.
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task EveryRowIsWrittenOnceWhereverTheProcessDies(int step)
    {
        string[][] batches = [["a", "b"], ["cc"], ["d", "ee", "f"]];
        for (int deadly = 0; deadly < batches.Length; deadly++)
        {
            Stored.Clear();
            await Shared.Server.AskAsync($"DROP TABLE IF EXISTS {Schema}.word, {Schema}.sluice_sink, {Schema}.sluice_sink_row");
            TransactionalSink<object?[]> sink = await BeginAsync();
            for (int i = 0; i < batches.Length; i++)
            {
                if (i == deadly)
                {
                    var parts = new CommitParts(0);
                    await sink.Prepare(Commit(step == 1 ? ["other", .. batches[i]] : batches[i], parts), default);
                    await sink.End();
                    if (step == 2) Store(parts);
                    sink = await BeginAsync();
                    Assert.Equal(batches.Take(i + step - 1).SelectMany(batch => batch).Order(StringComparer.Ordinal), await RowsAsync());
                    if (step == 2) continue;
                }
                await CommitAsync(sink, batches[i]);
            }
            await sink.End();
            await (await BeginAsync()).End();
            Assert.Equal(batches.SelectMany(batch => batch).Order(StringComparer.Ordinal), await RowsAsync());
        }
    }

    [Fact]
    public async Task AVoidCommitIsUndoneAndTheNextOneSucceeds()
    {
        TransactionalSink<object?[]> sink = await BeginAsync();
        await CommitAsync(sink, ["a"]);
        SinkCommit<object?[]> commit = Commit(["lost", "too"], new(0));
        await sink.Prepare(commit, default);
        Assert.Equal(["a", "lost", "too"], await RowsAsync());
        await sink.Finish(commit, false, default);
        Assert.Equal(["a"], await RowsAsync());
        await CommitAsync(sink, ["b"]);
        await sink.End();
        Assert.Equal(["a", "b"], await RowsAsync());
        Assert.Equal(1L, await Shared.Server.AskAsync($"SELECT count(*) FROM {Schema}.sluice_sink_row"));
    }

    /// <remarks>Formerly the row of the earlier item, whose commit was applied, was deleted.</remarks>
    [Theory]
    [InlineData("INSERT INTO word VALUES($1, $2, $3) ON CONFLICT (text) DO NOTHING")]
    [InlineData("INSERT INTO word SELECT $1, $2, $3 WHERE NOT EXISTS (SELECT 1 FROM word WHERE text = $1)")]
    public async Task AnInsertThatPassesOverARowLeavesItWhenItIsUndone(string insert)
    {
        TransactionalSink<object?[]> sink = await BeginAsync(Sink(insert, Delete, Create));
        await CommitAsync(sink, ["a"]);
        SinkCommit<object?[]> commit = Commit(["b", "a", "b"], new(0));
        await sink.Prepare(commit, default);
        Assert.Equal(["a", "b"], await RowsAsync());
        await sink.Finish(commit, false, default);
        Assert.Equal(["a"], await RowsAsync());
        await sink.Prepare(Commit(["a", "c"], new(0)), default);
        await sink.End();                            // as if the process had died

        sink = await BeginAsync(Sink(insert, Delete, Create));
        Assert.Equal(["a"], await RowsAsync());
        await CommitAsync(sink, ["a", "d"]);
        await sink.End();
        await (await BeginAsync(Sink(insert, Delete, Create))).End();
        Assert.Equal(["a", "d"], await RowsAsync());
    }

    /// <summary>Its connection was lost in the middle of COMMIT, and the undo came before the server had committed.</summary>
    [Fact]
    public async Task ATransactionThatIsCommittedAfterItsUndoIsTakenBack()
    {
        string[] tables = ["word", "sluice_sink", "sluice_sink_row"];
        TransactionalSink<object?[]> sink = await BeginAsync();
        await CommitAsync(sink, ["a"]);
        SinkCommit<object?[]> commit = Commit(["late"], new(0));
        await sink.Prepare(commit, default);
        foreach (string table in tables) await Shared.Server.AskAsync($"CREATE TABLE {Schema}.late_{table} AS TABLE {Schema}.{table}");
        await sink.Finish(commit, false, default);
        foreach (string table in tables) await Shared.Server.AskAsync(
            $"DELETE FROM {Schema}.{table}; INSERT INTO {Schema}.{table} SELECT * FROM {Schema}.late_{table}; "
                + $"DROP TABLE {Schema}.late_{table}");
        Assert.Equal(["a", "late"], await RowsAsync());

        commit = Commit(["b"], new(0));
        var failure = await Assert.ThrowsAsync<IOException>(() => sink.Prepare(commit, default).AsTask());
        Assert.Contains("has been committed", failure.Message, StringComparison.Ordinal);
        await sink.Finish(commit, false, default);
        await CommitAsync(sink, ["b"]);
        await sink.End();
        Assert.Equal(["a", "b"], await RowsAsync());
    }

    [Fact]
    public async Task ACommitWithARefusedRowWritesNoRowsAndNamesTheItem()
    {
        TransactionalSink<object?[]> sink = await BeginAsync();
        await CommitAsync(sink, ["a"]);
        foreach ((string bad, string why) in (ValueTuple<string, string>[])[("a", "duplicate key"), ("far too long", "check constraint")])
        {
            SinkCommit<object?[]> commit = Commit(["b", "c", bad, "d"], new(0));
            var failure = await Assert.ThrowsAsync<ItemRejectedException>(() => sink.Prepare(commit, default).AsTask());
            Assert.Contains(why, failure.Message, StringComparison.Ordinal);
            Assert.Equal((2, null), (failure.Item, failure.Attachment));
            await sink.Finish(commit, false, default);
            Assert.Equal(["a"], await RowsAsync());
        }
        await CommitAsync(sink, ["b"]);
        await sink.End();
        Assert.Equal(["a", "b"], await RowsAsync());
    }

    /// <summary>The old process was frozen: it continues when another one has taken the partition, wherever it was.</summary>
    [Fact]
    public async Task AProcessThatHasLostThePartitionCannotWriteOrUndo()
    {
        TransactionalSink<object?[]> old = await BeginAsync();
        await CommitAsync(old, ["a"]);
        SinkCommit<object?[]> late = Commit(["late"], new(0));
        await old.Prepare(late, default);

        TransactionalSink<object?[]> young = await BeginAsync();
        Assert.Equal(["a"], await RowsAsync());                      // the commit of the old one can only be stale
        SinkCommit<object?[]> next = Commit(["next"], new(0));
        await young.Prepare(next, default);                          // the transaction of the old sink has the same number
        await old.Finish(late, false, default);
        Assert.Equal(["a", "next"], await RowsAsync());
        var refused = await Assert.ThrowsAsync<IOException>(() => old.Prepare(Commit(["again"], new(0)), default).AsTask());
        Assert.Contains("Another process writes to", refused.Message, StringComparison.Ordinal);
        Assert.Contains("for books/words, partition 0", refused.Message, StringComparison.Ordinal);
        Stored["words\ncommits 0"] = 2;
        await young.Finish(next, true, default);
        await CommitAsync(young, ["z"]);
        await old.End();
        await young.End();
        Assert.Equal(["a", "next", "z"], await RowsAsync());
    }

    /// <summary>The old process is frozen in its transaction: the new one waits until the server has ended it.</summary>
    [Fact]
    public async Task ATransactionUnderWayEndsBeforeTheNextOwnerBegins()
    {
        TransactionalSink<object?[]> old = await BeginAsync();
        await CommitAsync(old, ["a"]);
        // A row of another transaction with the same key holds up the old process.
        await using ByHand hand = await ByHand.BeginAsync(Shared.Server, $"INSERT INTO {Schema}.word VALUES('held', 4, NULL)");
        Task late = old.Prepare(Commit(["held"], new(0)), default).AsTask();
        await ByHand.UntilAsync(Shared.Server, "SELECT count(*) = 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' "
            + "AND query LIKE 'INSERT INTO word%'");
        Task<TransactionalSink<object?[]>> young = BeginAsync();
        await ByHand.UntilAsync(Shared.Server, "SELECT count(*) = 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' "
            + "AND query LIKE 'INSERT INTO sluice_sink SELECT%'");
        Assert.False(young.IsCompleted);
        await hand.DisposeAsync();                                   // rolls back
        await late;
        await (await young).End();
        await old.End();
        Assert.Equal(["a"], await RowsAsync());
    }

    [Fact]
    public async Task PartitionsAreCountedSeparately()
    {
        TransactionalSink<object?[]> even = await BeginAsync(partitions: [0, 2]), odd = await BeginAsync(partitions: [1, 3]);
        for (int i = 0; i < 8; i++) await CommitAsync(i % 2 == 0 ? even : odd, [$"w{i}"], i % 4);
        SinkCommit<object?[]> commit = Commit(["lost"], new(1));
        await odd.Prepare(commit, default);
        await odd.End();
        Assert.Equal(9, (await RowsAsync()).Length);
        await CommitAsync(even, ["w8"], 0);
        await even.End();
        even = await BeginAsync(partitions: [0, 1, 2, 3]);
        Assert.Equal(["w0", "w1", "w2", "w3", "w4", "w5", "w6", "w7", "w8"], await RowsAsync());
        await CommitAsync(even, ["w9"], 1);
        await even.End();
    }

    [Fact]
    public async Task ADatabaseThatDoesNotBelongToTheStoreIsRefused()
    {
        TransactionalSink<object?[]> sink = await BeginAsync();
        await CommitAsync(sink, ["a"]);
        await CommitAsync(sink, ["b"]);
        await CommitAsync(sink, ["c"]);
        await sink.End();
        await RefusedAsync(1, "the store is older than the database, or another one");
        await RefusedAsync(4, "has the rows of 3 commits of books/words, partition 0, and the store knows 4: the database was restored");
        await RefusedAsync(null, "with another store");
        Stored.Clear();
        sink = await BeginAsync(adopt: true);
        await CommitAsync(sink, ["z"]);
        // Put back while the sink writes: a standby was promoted, for example.
        await Shared.Server.AskAsync($"UPDATE {Schema}.sluice_sink SET number = 0");
        var late = await Assert.ThrowsAsync<InvalidDataException>(() => sink.Prepare(Commit(["y"], new(0)), default).AsTask());
        Assert.Contains("has the rows of 0 commits", late.Message, StringComparison.Ordinal);
        await sink.End();
        Assert.Equal(["a", "b", "c", "z"], await RowsAsync());

        async Task RefusedAsync(long? known, string why)
        {
            if (known is { } number) Stored["words\ncommits 0"] = number;
            else Stored.Clear();
            Assert.Contains(why, (await Assert.ThrowsAsync<InvalidDataException>(() => BeginAsync())).Message, StringComparison.Ordinal);
        }
    }

    /// <summary>The first commit of a store, which dies before it can say that it has committed.</summary>
    [Fact]
    public async Task TheFirstCommitOfAStoreIsNotTakenForThatOfAnotherOne()
    {
        TransactionalSink<object?[]> sink = await BeginAsync();
        var parts = new CommitParts(0);
        await sink.Prepare(Commit(["a"], parts), default);
        await sink.End();
        sink = await BeginAsync();                                   // not applied: undone, and no other store's
        Assert.Empty(await RowsAsync());
        await sink.Prepare(Commit(["b"], parts = new(0)), default);
        await sink.End();
        Store(parts);
        await (await BeginAsync()).End();                            // applied, and confirmed only now
        Stored.Clear();
        await Assert.ThrowsAsync<InvalidDataException>(() => BeginAsync());
        Assert.Equal(["b"], await RowsAsync());
    }
}
