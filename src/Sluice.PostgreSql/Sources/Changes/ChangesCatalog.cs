using NpgsqlTypes;

namespace Sluice.PostgreSql.Sources;

/// <summary>The server of a publication, as it is when a connection begins. <c>Publication</c> is the id, zero if there is none.</summary>
internal sealed record ChangesServer(string? Host, int Port, string WalLevel, bool IsStandby, long Publication, int Version,
    TimeSpan SenderTimeout, ulong End);

/// <summary>A replication slot, as the server describes it.</summary>
internal sealed record SlotState(string Plugin, string Database, bool IsActive, string WalStatus, ulong Flushed);

/// <summary>A table of a publication, and the query that reads its rows as logical replication would send them.</summary>
/// <param name="Schema">The schema of the table.</param>
/// <param name="Name">The name of the table.</param>
/// <param name="Columns">The columns that are sent.</param>
/// <param name="From">The table in SQL. Tables that inherit from it are published by themselves, partitions may be by their root.</param>
/// <param name="Query">The query.</param>
internal sealed record PublishedTable(string Schema, string Name, string[] Columns, string From, string Query);

/// <summary>Asks the server about a publication and its slot.</summary>
internal sealed class ChangesCatalog(SourceServer server, string publication)
{
    public Task<ChangesServer> ServerAsync(CancellationToken cancellation) => server.CallAsync(async connection =>
    {
        await using NpgsqlBatch batch = connection.CreateBatch();
        batch.BatchCommands.Add(new NpgsqlBatchCommand("""
            SELECT current_setting('wal_level'), pg_is_in_recovery(),
              coalesce((SELECT oid::bigint FROM pg_publication WHERE pubname = $1), 0),
              current_setting('server_version_num')::int,
              (SELECT setting::bigint FROM pg_settings WHERE name = 'wal_sender_timeout'),
              CASE WHEN pg_is_in_recovery() THEN '0/0' ELSE pg_current_wal_lsn()::text END
            """).With(publication));
        await using NpgsqlDataReader row = await batch.ExecuteReaderAsync(cancellation).ConfigureAwait(false);
        await row.ReadAsync(cancellation).ConfigureAwait(false);
        return new ChangesServer(connection.Host, connection.Port, row.GetString(0), row.GetBoolean(1), row.GetInt64(2), row.GetInt32(3),
            TimeSpan.FromMilliseconds(row.GetInt64(4)), (ulong)NpgsqlLogSequenceNumber.Parse(row.GetString(5)));
    }, cancellation);

    public Task<SlotState?> SlotAsync(string slot, CancellationToken cancellation) => server.CallAsync(async connection =>
    {
        await using NpgsqlBatch batch = connection.CreateBatch();
        batch.BatchCommands.Add(new NpgsqlBatchCommand("""
            SELECT coalesce(plugin::text, ''), coalesce(database::text, ''), active, coalesce(wal_status, ''),
              coalesce(confirmed_flush_lsn::text, '0/0') FROM pg_replication_slots WHERE slot_name = $1
            """).With(slot));
        await using NpgsqlDataReader row = await batch.ExecuteReaderAsync(cancellation).ConfigureAwait(false);
        return await row.ReadAsync(cancellation).ConfigureAwait(false) ? new SlotState(row.GetString(0), row.GetString(1),
            row.GetBoolean(2), row.GetString(3), (ulong)NpgsqlLogSequenceNumber.Parse(row.GetString(4))) : null;
    }, cancellation);

    public async Task RunAsync(string sql, string value, CancellationToken cancellation) => await server.CallAsync(async connection =>
    {
        await using NpgsqlBatch batch = connection.CreateBatch();
        batch.BatchCommands.Add(new NpgsqlBatchCommand(sql).With(value));
        return await batch.ExecuteScalarAsync(cancellation).ConfigureAwait(false);
    }, cancellation).ConfigureAwait(false);

    /// <summary>The tables, in the transaction of a snapshot.</summary>
    public async Task<List<PublishedTable>> TablesAsync(NpgsqlConnection connection, int version, CancellationToken cancellation)
    {
        const int HasFilters = 150_000, HasGenerated = 180_000;
        (string columns, string filter) = version >= HasFilters ? ("AND a.attname = ANY(t.attnames)", "t.rowfilter") : ("", "NULL");
        // Before, generated columns were never sent, and yet they are among the names.
        if (version < HasGenerated) columns += " AND a.attgenerated = ''";
        // A value of several parts IS NULL also if only its parts are.
        await using NpgsqlBatch batch = connection.CreateBatch();
        batch.BatchCommands.Add(new NpgsqlBatchCommand($"""
            SELECT t.schemaname::text, t.tablename::text, string_agg(a.attname::text, E'\x01' ORDER BY a.attnum),
              format(CASE c.relkind WHEN 'p' THEN '%I.%I' ELSE 'ONLY %I.%I' END, t.schemaname, t.tablename),
              string_agg(format('CASE WHEN %1$I IS DISTINCT FROM NULL THEN format(''%%s'', %1$I) END', a.attname), ', '
                ORDER BY a.attnum), coalesce(' WHERE ' || {filter}, '')
            FROM pg_publication_tables t JOIN pg_namespace n ON n.nspname = t.schemaname
              JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = t.tablename
              JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped {columns}
            WHERE t.pubname = $1 GROUP BY t.schemaname, t.tablename, c.relkind, {filter} ORDER BY 1, 2
            """).With(publication));
        await using NpgsqlDataReader rows = await batch.ExecuteReaderAsync(cancellation).ConfigureAwait(false);
        List<PublishedTable> tables = [];
        while (await rows.ReadAsync(cancellation).ConfigureAwait(false))
            tables.Add(new(rows.GetString(0), rows.GetString(1), rows.GetString(2).Split('\x01'), rows.GetString(3),
                $"SELECT {rows.GetString(4)} FROM {rows.GetString(3)}{rows.GetString(5)}"));
        return tables;
    }

    /// <summary>
    /// Keeps the tables from being rewritten, until the transaction ends: PostgreSQL shows no rows of a table that was rewritten to a
    /// snapshot that is older, and does not send them either.
    /// </summary>
    /// <exception cref="IOException">A table was rewritten between the snapshot and this call.</exception>
    public async Task HoldAsync(NpgsqlConnection connection, List<PublishedTable> tables, CancellationToken cancellation)
    {
        if (tables.Count == 0) return;
        await using (NpgsqlBatch batch = connection.CreateBatch())
        {
            batch.Timeout = 0;                       // a migration that is under way comes first
            // The lock of a query. LOCK TABLE would need the right to read all columns.
            foreach (PublishedTable table in tables) batch.BatchCommands.Add(new($"SELECT FROM {table.From} LIMIT 0"));
            await batch.ExecuteNonQueryAsync(cancellation).ConfigureAwait(false);
        }
        await using NpgsqlBatch asking = connection.CreateBatch();
        // pg_class is of the time of the snapshot, and the function of now.
        asking.BatchCommands.Add(new NpgsqlBatchCommand("""
            WITH RECURSIVE part AS (
              SELECT c.oid AS id FROM pg_publication_tables t JOIN pg_namespace n ON n.nspname = t.schemaname
                JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = t.tablename WHERE t.pubname = $1
              UNION SELECT i.inhrelid FROM pg_inherits i JOIN part p ON i.inhparent = p.id)
            SELECT c.relname::text FROM part p JOIN pg_class c ON c.oid = p.id
            WHERE c.relfilenode <> 0 AND c.relfilenode IS DISTINCT FROM pg_relation_filenode(c.oid) LIMIT 1
            """).With(publication));
        if (await asking.ExecuteScalarAsync(cancellation).ConfigureAwait(false) is string rewritten) throw new IOException(
            $"the table {rewritten} was rewritten when the snapshot began, and another snapshot is taken.");
    }
}
