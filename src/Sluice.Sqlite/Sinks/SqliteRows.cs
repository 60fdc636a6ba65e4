namespace Sluice.Sqlite;

/// <summary>A sink whose rows the store itself writes, in the commit's transaction.</summary>
internal sealed class SqliteRows(RowInsert insert, string? create) : TransactionalSink<object?[]>
{
    private bool isCreated = create is null;
    private bool isPrepared;

    protected override async ValueTask BeginAsync(SinkState state, CancellationToken cancellation)
    {
        if (state.Store is null || state.Store.Durability == Durability.Memory)
            throw new InvalidOperationException(
                $"The sink {state.Node} writes into the file of the consecutor's store, and {state.Consecutor} has no SQLite store. Give "
                    + $"it one, or use SqliteSink.InDatabase.");
        FormerSinkKind.Refuse(state, static _ => false);
        // A wrapped store is not visible here: then the first commit finds a mistake.
        if (isPrepared || state.Store is not SqliteStreamStore store) return;
        string running = create ?? insert.Sql;
        try
        {
            if (create is not null) await store.ExecuteAsync(new SqliteWrites().Add(create), cancellation).ConfigureAwait(false);
            isCreated = true;
            running = insert.Sql;
            insert.Places = await store.CountPlacesAsync(insert.Sql, cancellation).ConfigureAwait(false);
            isPrepared = true;
        }
        catch (StreamStoreException e) when (e.InnerException is SqliteFailure { IsFull: false, IsIo: false } failure)
        {
            throw RowInsert.Refused(state, running, failure);
        }
    }

    protected override ValueTask PrepareAsync(SinkCommit<object?[]> commit, CancellationToken cancellation)
    {
        var writes = new SqliteWrites();
        int before = 0;
        if (!isCreated)
        {
            writes.Add(create!);
            before = 1;
        }
        foreach (StagedItem<object?[]> item in commit.Items) writes.Add(insert.Sql, item.Value);
        commit.Attach(writes, statement => statement - before);
        return default;
    }

    protected override ValueTask CommittedAsync(SinkCommit<object?[]> commit, CancellationToken cancellation)
    {
        isCreated = true;
        return default;
    }
}
