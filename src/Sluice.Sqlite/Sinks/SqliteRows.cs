namespace Sluice.Sqlite;

/// <summary>Rows that are written by the store itself, in the commit's transaction.</summary>
internal sealed class SqliteRows(string insert, string? create) : CommitSink<object?[]>
{
    private bool isCreated;

    protected override ValueTask BeginAsync(SinkState state, CancellationToken cancellation)
    {
        if (state.Store is null || state.Store.Durability == Durability.Memory)
            throw new InvalidOperationException($"The sink {state.Node} writes into the file of the consecutor's store, and {state.Consecutor} has no SQLite store. Give it one, or use SqliteSink.InDatabase.");
        isCreated = create is null;
        return default;
    }

    protected override ValueTask PrepareAsync(SinkCommit<object?[]> commit, CancellationToken cancellation)
    {
        var writes = new SqliteWrites();
        if (!isCreated) writes.Add(create!);
        foreach (StagedItem<object?[]> item in commit.Items) writes.Add(insert, item.Value);
        commit.Attach(writes);
        return default;
    }

    protected override ValueTask CommittedAsync(SinkCommit<object?[]> commit, CancellationToken cancellation)
    {
        isCreated = true;
        return default;
    }
}
