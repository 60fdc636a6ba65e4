using System.Runtime.CompilerServices;
using Npgsql.Replication;
using Npgsql.Replication.PgOutput;

namespace Sluice.PostgreSql.Sources;

/// <summary>Creates a slot, and reads the tables as they were at the place in the log at which the slot begins.</summary>
internal sealed class ChangesSnapshot(SourceServer server, ChangesCatalog catalog, NpgsqlDataSource database, bool hasRows)
{
    private const int MaxRows = 1_000;               // that are fetched together
    private const long MaxLetters = 1 << 20;         // of them, if they are like those before
    private const int HasTransactionTimeout = 170_000;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    public async IAsyncEnumerable<(PostgresChange Change, ChangesPosition Position)> ReadAsync(LogicalReplicationConnection connection,
        ChangesServer known, ChangesPosition begun, bool isTemporary, [EnumeratorCancellation] CancellationToken cancellation)
    {
        PgOutputReplicationSlot slot = await CreateAsync(connection, begun.Slot, isTemporary, cancellation).ConfigureAwait(false);
        ulong taken = (ulong)slot.ConsistentPoint;
        await using NpgsqlConnection? reading = hasRows ? await database.OpenOwnAsync(cancellation).ConfigureAwait(false) : null;
        // Before the consumer gets anything: until the tables are held, another program may rewrite them.
        List<PublishedTable> tables = reading is null ? []
            : await BeginAsync(reading, slot.SnapshotName!, known.Version, cancellation).ConfigureAwait(false);
        yield return (new(PostgresChangeKind.SnapshotStarted, "", "") { CommitLsn = taken }, begun);
        foreach (PublishedTable table in tables)
        {
            await foreach (PostgresRow row in RowsAsync(reading!, table, cancellation).ConfigureAwait(false))
                yield return (new(PostgresChangeKind.SnapshotRow, table.Schema, table.Name) { Row = row, CommitLsn = taken }, begun);
        }
        if (reading is not null) await ExecuteAsync(reading, "COMMIT", cancellation).ConfigureAwait(false);
        yield return (new(PostgresChangeKind.SnapshotEnded, "", "") { CommitLsn = taken },
            begun with { IsSnapshot = false, Flushed = taken });
    }

    /// <summary>Begins the transaction of the snapshot, and holds its tables.</summary>
    private async Task<List<PublishedTable>> BeginAsync(NpgsqlConnection reading, string snapshot, int version,
        CancellationToken cancellation)
    {
        await ExecuteAsync(reading, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", cancellation).ConfigureAwait(false);
        await ShareAsync(reading, snapshot, cancellation).ConfigureAwait(false);
        await ExecuteAsync(reading, Settings(version), cancellation).ConfigureAwait(false);
        List<PublishedTable> tables = await catalog.TablesAsync(reading, version, cancellation).ConfigureAwait(false);
        await PatientlyAsync(catalog.HoldAsync(reading, tables, cancellation),
            "the snapshot waits for a table that another session has locked: see pg_locks.", cancellation).ConfigureAwait(false);
        return tables;
    }

    // By a cursor: a client that stops in the middle of a result receives the rest of the result first. The rows of a portion show how many
    // the next one may have.
    private static async IAsyncEnumerable<PostgresRow> RowsAsync(NpgsqlConnection reading, PublishedTable table,
        [EnumeratorCancellation] CancellationToken cancellation)
    {
        // A name of its own: the client prepares statements, and a prepared FETCH knows the columns of its cursor.
        string cursor = $"sluice_{Guid.NewGuid():N}";
        await ExecuteAsync(reading, $"DECLARE {cursor} NO SCROLL CURSOR FOR {table.Query}", cancellation).ConfigureAwait(false);
        for (int count = 1, next; ; count = next)
        {
            int got = 0;
            long letters = 0;
            await using (NpgsqlCommand fetch = reading.CreateCommand())
            {
                fetch.CommandText = string.Create(CultureInfo.InvariantCulture, $"FETCH {count} FROM {cursor}");
                fetch.CommandTimeout = 0;
                await using NpgsqlDataReader rows = await fetch.ExecuteReaderAsync(cancellation).ConfigureAwait(false);
                while (await rows.ReadAsync(cancellation).ConfigureAwait(false))
                {
                    var values = new string?[table.Columns.Length];
                    for (int i = 0; i < values.Length; i++) letters += (values[i] = rows.TextOrNull(i))?.Length ?? 0;
                    got++;
                    yield return new(table.Columns, values);
                }
            }
            if (got < count) break;
            next = (int)Math.Clamp(MaxLetters * got / Math.Max(1, letters), 1, Math.Min(MaxRows, 2 * count));
        }
        await ExecuteAsync(reading, $"CLOSE {cursor}", cancellation).ConfigureAwait(false);
    }

    // All rows of a cursor are read: without the first setting, the server would prefer a plan that is fast for the first of them. The
    // second one makes a query fail if a policy applies to the user, because the stream sends all rows. The others: between two portions,
    // the transaction is idle for as long as the consumer takes.
    private static string Settings(int version) => "SET LOCAL cursor_tuple_fraction = 1; SET LOCAL row_security = off; "
        + "SET LOCAL idle_in_transaction_session_timeout = 0"
        + (version >= HasTransactionTimeout ? "; SET LOCAL transaction_timeout = 0" : "");

    /// <summary>A slot begins where no transaction is open: until then the server waits.</summary>
    private async Task<PgOutputReplicationSlot> CreateAsync(LogicalReplicationConnection connection, string slot, bool isTemporary,
        CancellationToken cancellation)
    {
        Task<PgOutputReplicationSlot> creating = connection.CreatePgOutputReplicationSlot(slot, isTemporary,
            LogicalSlotSnapshotInitMode.Export, cancellationToken: cancellation);
        await PatientlyAsync(creating, $"the slot {slot} waits for the transactions that are open: see pg_stat_activity, "
            + "pg_prepared_xacts.", cancellation).ConfigureAwait(false);
        return await creating.ConfigureAwait(false);
    }

    private async Task PatientlyAsync(Task work, string warning, CancellationToken cancellation)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        Task first = await Task.WhenAny(work, Task.Delay(Patience, server.Time, stop.Token)).ConfigureAwait(false);
        if (first != work && !cancellation.IsCancellationRequested) server.Warn(warning);
        await stop.CancelAsync().ConfigureAwait(false);
        await work.ConfigureAwait(false);
    }

    /// <exception cref="IOException">The connection that has exported the snapshot is gone, and the snapshot with it.</exception>
    private static async Task ShareAsync(NpgsqlConnection reading, string snapshot, CancellationToken cancellation)
    {
        try
        {
            await ExecuteAsync(reading, $"SET TRANSACTION SNAPSHOT '{snapshot}'", cancellation).ConfigureAwait(false);
        }
        catch (PostgresException e) when (e.SqlState is PostgresErrorCodes.InvalidParameterValue or PostgresErrorCodes.UndefinedObject
            or PostgresErrorCodes.ObjectNotInPrerequisiteState)
        {
            throw new IOException($"the connection that had taken the snapshot is lost: {e.MessageText}", e);
        }
    }

    private static async Task ExecuteAsync(NpgsqlConnection connection, string sql, CancellationToken cancellation)
    {
        await using NpgsqlCommand command = connection.CreateCommand();
        command.CommandText = sql;
        await command.ExecuteNonQueryAsync(cancellation).ConfigureAwait(false);
    }
}
