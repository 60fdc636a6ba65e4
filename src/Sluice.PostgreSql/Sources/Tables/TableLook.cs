namespace Sluice.PostgreSql.Sources;

/// <summary>What a source has seen at one look: how far it may read once the transactions of the look have ended.</summary>
/// <param name="Table">The id of the table that has the name now; zero if there is none.</param>
/// <param name="Timeline">The timeline of the server.</param>
/// <param name="Sequence">The last number of the column's sequence; zero if it was not used since it was made or set, -1 if
/// unknown.</param>
/// <param name="Bound">The last row that can be read; null if there is nothing new.</param>
/// <param name="Open">The transactions that were open after the row was seen.</param>
/// <param name="Passed">Why rows are not read: they have no value, or their time has not come. Empty if there are none.</param>
internal sealed record TableLook(long Table, string Timeline, long Sequence, string[]? Bound, Dictionary<string, string> Open,
    string Passed);

/// <summary>Looks for new rows of a table, and which transactions may still commit rows before them.</summary>
internal sealed class TableLooker(SourceServer server, TableShape shape, string table, PostgresTableOptions options)
{
    // PostgreSQL takes the time of a transaction when its BEGIN arrives, and shows the transaction in pg_locks afterwards. If it is paused
    // in between, a look does not see it. The lock of the table is there before an insert computes a value.
    private static readonly TimeSpan BeginReserve = TimeSpan.FromSeconds(1);

    private readonly bool waitsForWritersOnly = options.IsAssignedByInsert ?? shape.First.IsIdentityAlways;

    /// <summary>How old a row has to be to be read, if its first column is a time.</summary>
    public TimeSpan MinAge => waitsForWritersOnly || !shape.First.IsMoment || options.QuietDuration > BeginReserve ? options.QuietDuration
        : BeginReserve;

    /// <summary>How long after a look the open transactions are to be determined. Times without a zone, and days, may be written with values
    /// that are hours behind: their age says nothing of when they were written.</summary>
    public TimeSpan Reserve => !waitsForWritersOnly && !shape.First.IsMoment && shape.Columns.Any(static column => column.IsTime)
        ? BeginReserve : default;

    /// <summary>
    /// A statement before others in their transaction: in which formats values are texts. Some formats of a server lose digits, or write a
    /// time zone that the server reads as another one. The order of day and month stays, with which earlier versions have stored positions.
    /// </summary>
    public static NpgsqlBatchCommand Formats() => new("SELECT set_config('datestyle', 'ISO', true), "
        + "set_config('intervalstyle', 'postgres', true), set_config('extra_float_digits', '3', true)");

    // The order of the statements matters: first the rows, then the transactions. Statements of a batch have their own snapshots, and
    // pg_locks has none. A prepared transaction has no process.
    public async Task<TableLook> LookAsync(NpgsqlConnection connection, string[]? behind, CancellationToken cancellation)
    {
        await using NpgsqlBatch batch = connection.CreateBatch();
        batch.BatchCommands.Add(Formats());
        batch.BatchCommands.Add(new NpgsqlBatchCommand(State()).With(table).With(shape.First.Sequence));
        NpgsqlBatchCommand rows = new(Bound(behind is not null));
        Add(rows, behind);
        batch.BatchCommands.Add(rows);
        batch.BatchCommands.Add(OpenCommand());
        await using NpgsqlDataReader reader = await batch.ExecuteReaderAsync(cancellation).ConfigureAwait(false);
        await reader.NextResultAsync(cancellation).ConfigureAwait(false);
        await reader.ReadAsync(cancellation).ConfigureAwait(false);
        if (reader.GetBoolean(0)) throw new InvalidDataException(
            $"The producer '{server.Name}' is connected to a standby, which does not know the open transactions of its primary. Connect to "
                + "the primary (several servers: Host=a,b;Target Session Attributes=primary).");
        (long id, string timeline, long sequence, string passed) = (reader.GetInt64(1), reader.GetString(2), reader.GetInt64(3),
            reader.GetString(4));
        await reader.NextResultAsync(cancellation).ConfigureAwait(false);
        string[]? bound = null;
        if (await reader.ReadAsync(cancellation).ConfigureAwait(false))
            bound = [.. Enumerable.Range(0, shape.Columns.Count).Select(reader.GetString)];
        await reader.NextResultAsync(cancellation).ConfigureAwait(false);
        return new(id, timeline, sequence, bound, await OpenAsync(reader, cancellation).ConfigureAwait(false), passed);
    }

    /// <summary>Returns the transactions that are open now: their names, and who they are.</summary>
    public async Task<Dictionary<string, string>> OpenAsync(NpgsqlConnection connection, CancellationToken cancellation)
    {
        await using NpgsqlBatch batch = connection.CreateBatch();
        batch.BatchCommands.Add(OpenCommand());
        await using NpgsqlDataReader reader = await batch.ExecuteReaderAsync(cancellation).ConfigureAwait(false);
        return await OpenAsync(reader, cancellation).ConfigureAwait(false);
    }

    /// <summary>Returns the number behind which the column's sequence is, also if it was set and has given none since.</summary>
    public async Task<long> SequenceAsync(NpgsqlConnection connection, CancellationToken cancellation)
    {
        await using NpgsqlCommand asking = connection.CreateCommand();
        asking.CommandText = "SELECT coalesce((SELECT c.oid::regclass::text FROM pg_class c WHERE c.oid = $1::bigint::oid AND "
            + "has_table_privilege(c.oid, 'SELECT')), '')";
        asking.Parameters.Add(new NpgsqlParameter<long> { TypedValue = shape.First.Sequence });
        string name = (string)(await asking.ExecuteScalarAsync(cancellation).ConfigureAwait(false))!;
        if (name.Length == 0) return -1;
        await using NpgsqlCommand reading = connection.CreateCommand();
        reading.CommandText = $"SELECT last_value - CASE WHEN is_called THEN 0 ELSE 1 END FROM {name}";
        return (long)(await reading.ExecuteScalarAsync(cancellation).ConfigureAwait(false))!;
    }

    /// <summary>Adds the values of a row as parameters.</summary>
    public static void Add(NpgsqlBatchCommand command, string[]? values)
    {
        foreach (string value in values ?? [])
            command.Parameters.Add(new NpgsqlParameter { NpgsqlDbType = NpgsqlTypes.NpgsqlDbType.Unknown, Value = value });
    }

    /// <summary>The statement that reads the state of the server and the table: run at each look, so it must not read all rows.</summary>
    internal string State()
    {
        string empty = string.Join(" OR ", shape.Columns.Where(static column => column.IsNullable)
            .Select(static column => $"{column.Quoted} IS NULL"));
        string passed = empty.Length == 0 ? "" : $"WHEN EXISTS (SELECT FROM {shape.Name} t WHERE {empty}) THEN 'empty' ";
        // The highest time, which the server takes from the end of the index. It expects a third of all rows to be later than a time that
        // it does not know, and would look for one of them by reading the table.
        if (shape.First.IsTime)
            passed += $"WHEN (SELECT max({shape.First.Quoted}) FROM {shape.Name} t) > {shape.Now(default)} + interval '1 minute' "
                + "THEN 'future' ";
        passed = passed.Length == 0 ? "''" : $"CASE {passed}ELSE '' END";
        // A table that was renamed is gone for this statement, and PostgreSQL would refuse it: the caller finds out by the id.
        return $"""
            SELECT pg_is_in_recovery(), coalesce(to_regclass($1)::oid::bigint, 0),
              CASE WHEN pg_is_in_recovery() THEN '' ELSE substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8) END,
              CASE WHEN $2 = 0 OR NOT has_sequence_privilege($2::bigint::oid, 'USAGE, SELECT') THEN -1
                ELSE coalesce(pg_sequence_last_value($2::bigint::oid::regclass), 0) END, {passed}
            """;
    }

    /// <summary>The statement that finds the last row that can be read.</summary>
    internal string Bound(bool isBehind) => $"SELECT {shape.List("::text")} FROM {shape.Name} t WHERE "
        + (isBehind ? $"({shape.List()}) > ({shape.Values(1)})" : "true") + shape.IsReadable(MinAge)
        + $" ORDER BY {shape.List(" DESC")} LIMIT 1";

    private NpgsqlBatchCommand OpenCommand()
    {
        string any = waitsForWritersOnly ? "" : """
             OR l.locktype = 'virtualxid' AND l.mode = 'ExclusiveLock' AND NOT EXISTS (SELECT FROM pg_stat_activity a
              WHERE a.pid = l.pid AND (a.datname IS DISTINCT FROM current_database() OR a.usesysid IS NULL))
            """;
        return new NpgsqlBatchCommand($"""
            WITH RECURSIVE part AS (SELECT $1::bigint::oid AS id UNION
              SELECT i.inhrelid FROM pg_inherits i JOIN part p ON i.inhparent = p.id)
            SELECT DISTINCT l.virtualtransaction, coalesce('process ' || l.pid, 'prepared transaction') FROM pg_locks l
            WHERE l.granted AND l.pid IS DISTINCT FROM pg_backend_pid() AND (l.locktype = 'relation' AND l.mode = 'RowExclusiveLock'
              AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
              AND l.relation IN (SELECT id FROM part){any})
            """).With(shape.Id);
    }

    private static async Task<Dictionary<string, string>> OpenAsync(NpgsqlDataReader reader, CancellationToken cancellation)
    {
        var open = new Dictionary<string, string>(StringComparer.Ordinal);
        while (await reader.ReadAsync(cancellation).ConfigureAwait(false)) open[reader.GetString(0)] = reader.GetString(1);
        return open;
    }
}
