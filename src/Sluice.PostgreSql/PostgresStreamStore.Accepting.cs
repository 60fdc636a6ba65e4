using System.Collections.Concurrent;

namespace Sluice.PostgreSql;

public sealed partial class PostgresStreamStore
{
    private readonly ConcurrentDictionary<string, bool> checkedPlaces = new(StringComparer.Ordinal);

    /// <summary>Accepts entries for a stream in the transaction that is open on a connection of the application.</summary>
    internal async Task<SendResult> AcceptAsync(string stream, EntryBatch entries, NpgsqlConnection connection, SendOptions? options,
        CancellationToken cancellation)
    {
        if (disposal.HasBegun) throw DisposedStore.Error(place.Name);
        await RequireStoreAsync(connection, cancellation).ConfigureAwait(false);
        long? hidden = null;
        bool hasKey = options?.IdempotencyKey is not null;
        if (hasKey && await FindAsync().ConfigureAwait(false) is { } known) return known;
        (long Items, long Bytes)? need = (entries.Count, entries.Bytes);
        foreach ((int Items, long Bytes, byte[] Body) row in IntakeInsert.Rows(entries, isOne: hasKey))
        {
            long? transaction = await InsertAsync(row).ConfigureAwait(false);
            if (transaction is null)
            {
                if (hasKey && await FindAsync().ConfigureAwait(false) is { } other) return other;
                // What was counted may be older than what transactions and consumers have done since.
                IReadOnlyCollection<long> ended = await watch.EndedAsync(stream, cancellation).ConfigureAwait(false);
                await TakeInAsync(stream, cancellation).ConfigureAwait(false);
                watch.Forget(stream, ended);
                transaction = await InsertAsync(row).ConfigureAwait(false);
            }
            if (transaction is null && need is { } room && await IsHiddenAsync(stream, connection, cancellation).ConfigureAwait(false))
            {
                hidden = await runner.DirectAsync(own => insert.FindHiddenAsync(own, id, stream, watch.Pending(stream), room,
                    cancellation), cancellation, writes: false).ConfigureAwait(false);
                if (hidden is null) return await runner.DirectAsync(own => RefusalAsync(stream, own, cancellation), cancellation,
                    writes: false).ConfigureAwait(false);
                transaction = await InsertAsync(row).ConfigureAwait(false);
                if (transaction is null && hasKey && await FindAsync().ConfigureAwait(false) is { } other) return other;
            }
            if (transaction is not { } number) return await RefusalAsync(stream, connection, cancellation).ConfigureAwait(false);
            watch.Add(stream, number, row.Items, row.Bytes);
            need = null;
        }
        return new(SendStatus.Accepted, entries.Count);

        Task<SendResult?> FindAsync() => insert.FindAsync(connection, stream, entries.Count, options!, hidden, cancellation);

        Task<long?> InsertAsync((int Items, long Bytes, byte[] Body) row)
            => insert.RunAsync(connection, id, stream, row, watch.Pending(stream), need, options, hidden, cancellation);
    }

    /// <summary>What a role needs to send in transactions of its own.</summary>
    internal string GrantsToSend(string user) => sql.Text($"GRANT USAGE ON SCHEMA \"{sql.Schema}\" TO {user}; "
        + $"GRANT SELECT ON ~meta, ~stream, ~producer TO {user}; GRANT SELECT, INSERT ON ~intake TO {user}");

    /// <summary>Moves what was accepted in transactions of others into the partitions of a stream.</summary>
    internal Task TakeInAsync(string stream, CancellationToken cancellation = default)
        => CallAsync(4, true, needs => needs.Streams.Add(stream), static _ => new ValueTask<bool>(true), cancellation).AsTask();

    // Who looks at a stream sees all that is accepted in its partitions. A user who may not write sees it in the counts of the stream.
    private async ValueTask<T> LookAsync<T>(string stream, Func<Round, ValueTask<T>> read, CancellationToken cancellation)
    {
        bool isThere = false;
        T result = await LookAsync(needs => needs.Streams.Add(stream), async round =>
        {
            isThere = await IntakeCalls.IsThereAsync(round, stream).ConfigureAwait(false);
            return await read(round).ConfigureAwait(false);
        }, cancellation).ConfigureAwait(false);
        if (!isThere) return result;
        try
        {
            await TakeInAsync(stream, cancellation).ConfigureAwait(false);
        }
        catch (StreamStoreException)
        {
            return result;                           // true, although not in the partitions yet
        }
        return await LookAsync(needs => needs.Streams.Add(stream), read, cancellation).ConfigureAwait(false);
    }

    private Task<(HashSet<long> Committed, HashSet<long> Ended)> EndedAsync(long[] transactions, CancellationToken cancellation)
        => runner.DirectAsync(async connection =>
        {
            (HashSet<long> committed, HashSet<long> ended) = ([], []);
            await using NpgsqlBatch batch = connection.CreateBatch();
            batch.BatchCommands.Add(new NpgsqlBatchCommand("SELECT x, pg_xact_status(x::text::xid8) FROM unnest($1::bigint[]) x")
                .With(transactions));
            await using NpgsqlDataReader rows = await batch.ExecuteReaderAsync(cancellation).ConfigureAwait(false);
            while (await rows.ReadAsync(cancellation).ConfigureAwait(false))
            {
                string? status = rows.TextOrNull(1);
                if (status != "in progress") ended.Add(rows.GetInt64(0));
                if (status is not ("in progress" or "aborted")) committed.Add(rows.GetInt64(0));
            }
            return (committed, ended);
        }, cancellation, writes: false);

    // Whether the transaction does not see the stream, although it sees the store.
    private async Task<bool> IsHiddenAsync(string stream, NpgsqlConnection connection, CancellationToken cancellation)
    {
        await using NpgsqlBatch batch = connection.CreateBatch();
        batch.BatchCommands.Add(sql.Command("SELECT EXISTS (SELECT FROM ~meta WHERE store = $1) AND NOT EXISTS (SELECT FROM ~stream "
            + "WHERE name = $2)").With(id).With(stream));
        return (bool)(await batch.ExecuteScalarAsync(cancellation).ConfigureAwait(false))!;
    }

    // Says why nothing was inserted. Runs in the application's transaction, and fails nothing.
    private async Task<SendResult> RefusalAsync(string stream, NpgsqlConnection connection, CancellationToken cancellation)
    {
        await using NpgsqlBatch batch = connection.CreateBatch();
        batch.BatchCommands.Add(sql.Command("SELECT m.store, s.has_ended FROM ~meta m LEFT JOIN ~stream s ON s.name = $1").With(stream));
        await using NpgsqlDataReader row = await batch.ExecuteReaderAsync(cancellation).ConfigureAwait(false);
        if (!await row.ReadAsync(cancellation).ConfigureAwait(false) || row.GetString(0) != id)
            throw ElsewhereError(connection);
        if (row.IsDBNull(1)) throw NoStream(stream);
        return !row.GetBoolean(1) ? new(SendStatus.Full, 0) : throw new InvalidOperationException(
            $"The stream {stream} has ended: nothing can be sent to it any more. The items were not accepted.");
    }

    // A query that fails would fail the application's transaction: so the tables are looked up first, once for each place.
    private async Task RequireStoreAsync(NpgsqlConnection connection, CancellationToken cancellation)
    {
        string where = connection.ConnectionString;
        if (checkedPlaces.ContainsKey(where)) return;
        (bool MayUse, string Database)? found = null;
        await using (NpgsqlBatch batch = connection.CreateBatch())
        {
            batch.BatchCommands.Add(new NpgsqlBatchCommand("SELECT has_schema_privilege(n.oid, 'USAGE'), current_database()::text "
                + "FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1 AND c.relname = 'intake'")
                .With(sql.Schema));
            await using NpgsqlDataReader row = await batch.ExecuteReaderAsync(cancellation).ConfigureAwait(false);
            if (await row.ReadAsync(cancellation).ConfigureAwait(false)) found = (row.GetBoolean(0), row.GetString(1));
        }
        if (found is not { } place) throw ElsewhereError(connection);
        // Rights would not help in another database. The connection string may name an alias of a pooler.
        if (!place.MayUse && place.Database != await runner.DirectAsync(OwnDatabaseAsync, cancellation, writes: false)
            .ConfigureAwait(false)) throw ElsewhereError(connection);
        checkedPlaces.TryAdd(where, true);

        async Task<string> OwnDatabaseAsync(NpgsqlConnection own)
        {
            await using var database = new NpgsqlCommand("SELECT current_database()::text", own);
            return (string)(await database.ExecuteScalarAsync(cancellation).ConfigureAwait(false))!;
        }
    }

    private InvalidOperationException ElsewhereError(NpgsqlConnection connection) => new(
        $"The transaction is of the database {connection.Database} at {connection.Host}:"
            + $"{connection.Port.ToString(CultureInfo.InvariantCulture)}, and the store is another one: {place}. Begin the transaction on "
            + "a connection to the store's database, or open the store in the database of the transaction (PostgresStoreOptions.Schema).");
}
