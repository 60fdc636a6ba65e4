namespace Sluice.PostgreSql;

/// <summary>A sink whose rows the store itself writes, in the commit's transaction.</summary>
internal sealed class PostgresRows(SinkStatement insert, string? create) : TransactionalSink<object?[]>
{
    private readonly SinkEvidence evidence = new();
    private bool isPrepared;

    protected override async ValueTask BeginAsync(SinkState state, CancellationToken cancellation)
    {
        if (state.Store is null || state.Store.Durability == Durability.Memory)
            throw new InvalidOperationException(
                $"The sink {state.Node} writes into the database of the consecutor's store, and {state.Consecutor} has no PostgreSQL "
                    + "store. Give it one, or use PostgresSink.InDatabase.");
        FormerSinkKind.Refuse(state, static _ => false);
        if (isPrepared) return;
        if (state.Store.Root is not PostgresStreamStore store)
            throw new InvalidOperationException(
                $"The sink {state.Node} writes into the database of a PostgreSQL store, and {state.Consecutor} has another one "
                    + $"({TypeNames.Of(state.Store.Root.GetType())}).");
        try
        {
            evidence.Types = await store.PrepareSinkAsync(create, insert.Sql, cancellation).ConfigureAwait(false);
            insert.Places = evidence.Types.Length;
            isPrepared = true;
        }
        catch (SinkStatementException refused)
        {
            throw SinkStatement.Refused(state, insert.Sql, create, refused);
        }
    }

    protected override ValueTask PrepareAsync(SinkCommit<object?[]> commit, CancellationToken cancellation)
    {
        var writes = new PostgresWrites { Items = commit.Items, Evidence = evidence };
        foreach (StagedItem<object?[]> item in commit.Items) writes.AddChecked(insert.Sql, item.Value);
        commit.Attach(writes, static statement => statement);
        return default;
    }

    protected override ValueTask CommittedAsync(SinkCommit<object?[]> commit, CancellationToken cancellation)
    {
        evidence.Taken = commit.Items[^1].Value;
        return default;
    }
}
