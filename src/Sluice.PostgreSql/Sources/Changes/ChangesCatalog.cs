using NpgsqlTypes;

namespace Sluice.PostgreSql.Sources;

/// <summary>The server of a publication, as it is when a connection begins. <c>Publication</c> is the id, zero if there is none.</summary>
internal sealed record ChangesServer(string WalLevel, bool IsStandby, long Publication, int Version, TimeSpan SenderTimeout, ulong End);

/// <summary>A replication slot, as the server describes it.</summary>
internal sealed record SlotState(string Plugin, string Database, bool IsActive, string WalStatus, ulong Flushed);

/// <summary>A table of a publication, and the query that reads its rows as logical replication would send them.</summary>
internal sealed record PublishedTable(string Schema, string Name, string[] Columns, string Query);

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
        return new ChangesServer(row.GetString(0), row.GetBoolean(1), row.GetInt64(2), row.GetInt32(3),
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
        const int HasFilters = 150_000;
        (string columns, string filter) = version >= HasFilters ? ("AND a.attname = ANY(t.attnames)", "t.rowfilter") : ("", "NULL");
        await using NpgsqlBatch batch = connection.CreateBatch();
        batch.BatchCommands.Add(new NpgsqlBatchCommand($"""
            SELECT t.schemaname::text, t.tablename::text, string_agg(a.attname::text, E'\x01' ORDER BY a.attnum),
              'SELECT ' || string_agg(format('CASE WHEN %1$I IS NOT NULL THEN format(''%%s'', %1$I) END', a.attname), ', '
                ORDER BY a.attnum)
              || format(' FROM %I.%I', t.schemaname, t.tablename) || coalesce(' WHERE ' || {filter}, '')
            FROM pg_publication_tables t JOIN pg_attribute a ON a.attrelid = format('%I.%I', t.schemaname, t.tablename)::regclass
              AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '' {columns}
            WHERE t.pubname = $1 GROUP BY t.schemaname, t.tablename, {filter} ORDER BY 1, 2
            """).With(publication));
        await using NpgsqlDataReader rows = await batch.ExecuteReaderAsync(cancellation).ConfigureAwait(false);
        List<PublishedTable> tables = [];
        while (await rows.ReadAsync(cancellation).ConfigureAwait(false))
            tables.Add(new(rows.GetString(0), rows.GetString(1), rows.GetString(2).Split('\x01'), rows.GetString(3)));
        return tables;
    }
}
