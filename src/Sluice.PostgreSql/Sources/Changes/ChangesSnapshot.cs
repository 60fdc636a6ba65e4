using System.Runtime.CompilerServices;
using Npgsql.Replication;
using Npgsql.Replication.PgOutput;

namespace Sluice.PostgreSql.Sources;

/// <summary>Creates a slot, and reads the tables as they were at the place in the log at which the slot begins.</summary>
internal sealed class ChangesSnapshot(SourceServer server, ChangesCatalog catalog, NpgsqlDataSource database, bool hasRows)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    public async IAsyncEnumerable<(PostgresChange Change, ChangesPosition Position)> ReadAsync(LogicalReplicationConnection connection,
        ChangesServer known, ChangesPosition begun, bool isTemporary, [EnumeratorCancellation] CancellationToken cancellation)
    {
        PgOutputReplicationSlot slot = await CreateAsync(connection, begun.Slot, isTemporary, cancellation).ConfigureAwait(false);
        ulong taken = (ulong)slot.ConsistentPoint;
        yield return (new(PostgresChangeKind.SnapshotStarted, "", "") { CommitLsn = taken }, begun);
        if (hasRows)
        {
            await using NpgsqlConnection reading = await database.OpenConnectionAsync(cancellation).ConfigureAwait(false);
            await ExecuteAsync(reading, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", cancellation).ConfigureAwait(false);
            await ShareAsync(reading, slot.SnapshotName!, cancellation).ConfigureAwait(false);
            foreach (PublishedTable table in await catalog.TablesAsync(reading, known.Version, cancellation).ConfigureAwait(false))
            {
                await using NpgsqlCommand command = reading.CreateCommand();
                (command.CommandText, command.CommandTimeout) = (table.Query, 0);
                await using NpgsqlDataReader rows = await command.ExecuteReaderAsync(cancellation).ConfigureAwait(false);
                while (await rows.ReadAsync(cancellation).ConfigureAwait(false))
                {
                    var values = new string?[table.Columns.Length];
                    for (int i = 0; i < values.Length; i++) values[i] = rows.TextOrNull(i);
                    yield return (new(PostgresChangeKind.SnapshotRow, table.Schema, table.Name)
                    {
                        Row = new(table.Columns, values),
                        CommitLsn = taken
                    }, begun);
                }
            }
            await ExecuteAsync(reading, "COMMIT", cancellation).ConfigureAwait(false);
        }
        yield return (new(PostgresChangeKind.SnapshotEnded, "", "") { CommitLsn = taken },
            begun with { IsSnapshot = false, Flushed = taken });
    }

    /// <summary>A slot begins where no transaction is open: until then the server waits.</summary>
    private async Task<PgOutputReplicationSlot> CreateAsync(LogicalReplicationConnection connection, string slot, bool isTemporary,
        CancellationToken cancellation)
    {
        Task<PgOutputReplicationSlot> creating = connection.CreatePgOutputReplicationSlot(slot, isTemporary,
            LogicalSlotSnapshotInitMode.Export, cancellationToken: cancellation);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        Task first = await Task.WhenAny(creating, Task.Delay(Patience, server.Time, stop.Token)).ConfigureAwait(false);
        if (first != creating && !cancellation.IsCancellationRequested) server.Warn(
            $"the slot {slot} waits for the transactions that are open: see pg_stat_activity, pg_prepared_xacts.");
        await stop.CancelAsync().ConfigureAwait(false);
        return await creating.ConfigureAwait(false);
    }

    /// <exception cref="IOException">The connection that has exported the snapshot is gone, and the snapshot with it.</exception>
    private static async Task ShareAsync(NpgsqlConnection reading, string snapshot, CancellationToken cancellation)
    {
        try
        {
            await ExecuteAsync(reading, $"SET TRANSACTION SNAPSHOT '{snapshot}'", cancellation).ConfigureAwait(false);
        }
        catch (PostgresException e) when (e.SqlState is PostgresErrorCodes.InvalidParameterValue or PostgresErrorCodes.UndefinedObject)
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
