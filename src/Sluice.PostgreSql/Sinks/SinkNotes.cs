namespace Sluice.PostgreSql;

/// <summary>
/// What a sink notes in a database outside of the store: for each partition of the consecutor the number of its transactions and of its
/// owners, and how to undo the last transaction (ADR 12). No state of a session is used: each transaction compares both numbers.
/// </summary>
/// <param name="source">The database.</param>
/// <param name="name">The name of the consecutor and of the sink's node.</param>
internal sealed class SinkNotes(NpgsqlDataSource source, string name)
{
    public const string Create = """
        CREATE TABLE IF NOT EXISTS sluice_sink(name text COLLATE "C" NOT NULL, part int NOT NULL, number bigint NOT NULL,
            owner bigint NOT NULL, confirmed boolean NOT NULL, undo text NOT NULL, PRIMARY KEY (name, part)) WITH (fillfactor = 50);
        CREATE TABLE IF NOT EXISTS sluice_sink_row(name text COLLATE "C" NOT NULL, part int NOT NULL, place int NOT NULL,
            row_values bytea NOT NULL, PRIMARY KEY (name, part, place))
        """;

    // A process that is frozen in its transaction keeps the next owner waiting: the server ends the transaction. Rows must be as durable as
    // the store when the store commits.
    private static readonly string[] Begin =
    [
        Sql.Begin, Sql.UsuallyFrozen,
        "SELECT set_config('synchronous_commit', 'on', true) WHERE current_setting('synchronous_commit') = 'off'"
    ];

    /// <summary>Makes the tables, unless they are there: then no right to create tables is needed.</summary>
    public async Task MakeAsync(CancellationToken cancellation)
    {
        await using NpgsqlConnection connection = await source.OpenOwnAsync(cancellation).ConfigureAwait(false);
        await using var find = new NpgsqlCommand("SELECT to_regclass('sluice_sink') IS NOT NULL "
            + "AND to_regclass('sluice_sink_row') IS NOT NULL", connection);
        if (await find.ExecuteScalarAsync(cancellation).ConfigureAwait(false) is true) return;
        await using NpgsqlBatch batch = connection.CreateBatch();
        foreach (string text in (string[])[AttachmentCalls.LockCreation, .. Create.Split(';')]) batch.BatchCommands.Add(new(text));
        await batch.ExecuteNonQueryAsync(cancellation).ConfigureAwait(false);
    }

    /// <summary>
    /// Becomes the owner of partitions: transactions of earlier owners are refused from now on. Waits for the one that is under way.
    /// </summary>
    public async Task<Dictionary<int, NotedPartition>> ClaimAsync(IReadOnlyList<int> partitions, CancellationToken cancellation)
    {
        await using NpgsqlConnection connection = await source.OpenOwnAsync(cancellation).ConfigureAwait(false);
        await using NpgsqlBatch batch = connection.CreateBatch();
        batch.BatchCommands.Add(new NpgsqlBatchCommand("INSERT INTO sluice_sink SELECT $1, p, 0, 1, false, '' FROM unnest($2::int[]) p "
            + "ORDER BY p ON CONFLICT (name, part) DO UPDATE SET owner = sluice_sink.owner + 1 RETURNING part, number, owner, confirmed")
            .With(name).With(partitions.ToArray()));
        Dictionary<int, NotedPartition> claimed = [];
        await using NpgsqlDataReader rows = await batch.ExecuteReaderAsync(cancellation).ConfigureAwait(false);
        while (await rows.ReadAsync(cancellation).ConfigureAwait(false))
            claimed.Add(rows.GetInt32(0), new(rows.GetInt32(0), rows.GetInt64(2), rows.GetInt64(1), rows.GetBoolean(3)));
        return claimed;
    }

    /// <summary>Writes rows, and notes how to undo them, in one transaction.</summary>
    /// <param name="partition">The partition.</param>
    /// <param name="number">The number of the last transaction.</param>
    /// <param name="rows">The rows.</param>
    /// <param name="undo">The statement that undoes a row.</param>
    /// <param name="needed">How many values of a row it needs.</param>
    /// <returns>False if number or owner are others: then nothing was written.</returns>
    public async Task<bool> TryWriteAsync(NotedPartition partition, long number, PostgresWrites rows, string undo, int needed)
    {
        await using NpgsqlConnection connection = await source.OpenOwnAsync().ConfigureAwait(false);
        NpgsqlBatchCommand change = Change("number = $5, confirmed = $5 > 1, undo = $6", partition, number).With(number + 1).With(undo);
        await RunAsync(connection, [.. Begin.Select(static text => new NpgsqlBatchCommand(text)), change, Forget(partition)])
            .ConfigureAwait(false);
        if (change.RecordsAffected != 1) return false;
        // A statement that changes nothing has nothing to undo: the row that is there belongs to another item.
        int[]? changed = rows.Count > 0 && SinkStatement.MayChangeNothing(rows.Statements[0].Sql)
            ? await RowWrites.RunSinglyAsync(connection, rows).ConfigureAwait(false) : null;
        var notes = new PostgresWrites { IsOfLibrary = true };
        for (int i = 0; i < rows.Count; i++)
            if (changed is null || changed[i] != 0)
                notes.AddChecked("INSERT INTO sluice_sink_row VALUES($1, $2, $3, $4)",
                    [name, partition.Number, i, NoteValues.Write(rows.Statements[i].Values.AsSpan(0, needed))]);
        await RowWrites.RunAsync(connection, changed is null ? [rows, notes] : [notes]).ConfigureAwait(false);
        await RunAsync(connection, new NpgsqlBatchCommand("COMMIT")).ConfigureAwait(false);
        return true;
    }

    /// <summary>Undoes the transaction behind a number, the last row first. Does nothing if there is none, or another owner.</summary>
    public async Task TakeBackAsync(NotedPartition partition, long number)
    {
        await using NpgsqlConnection connection = await source.OpenOwnAsync().ConfigureAwait(false);
        await using NpgsqlBatch batch = connection.CreateBatch();
        foreach (string text in Begin) batch.BatchCommands.Add(new(text));
        batch.BatchCommands.Add(Change("number = $5", partition, number + 1, " RETURNING undo").With(number));
        batch.BatchCommands.Add(Of("SELECT row_values FROM sluice_sink_row WHERE name = $1 AND part = $2 ORDER BY place DESC", partition));
        var writes = new PostgresWrites();
        await using (NpgsqlDataReader rows = await batch.ExecuteReaderAsync().ConfigureAwait(false))
        {
            // The setting of durability is the first result.
            await rows.NextResultAsync().ConfigureAwait(false);
            if (!await rows.ReadAsync().ConfigureAwait(false)) return;
            string undo = rows.GetString(0);
            await rows.NextResultAsync().ConfigureAwait(false);
            while (await rows.ReadAsync().ConfigureAwait(false)) writes.AddChecked(undo, NoteValues.Read(rows.Bytes(0)));
        }
        await RowWrites.RunAsync(connection, [writes]).ConfigureAwait(false);
        await RunAsync(connection, Forget(partition), new("COMMIT")).ConfigureAwait(false);
    }

    /// <summary>Notes that the store has committed the first transaction.</summary>
    public Task ConfirmAsync(NotedPartition partition) => DoAsync(Change("confirmed = true", partition, 1));

    /// <summary>Forgets all transactions of a partition, and keeps the rows.</summary>
    public Task ForgetAsync(NotedPartition partition)
        => DoAsync(Forget(partition), Change("number = 0, confirmed = false", partition, partition.Written));

    /// <summary>Reads what is noted now; null if nothing is.</summary>
    public async Task<(long Number, long Owner)?> FindAsync(NotedPartition partition)
    {
        await using NpgsqlConnection connection = await source.OpenOwnAsync().ConfigureAwait(false);
        await using NpgsqlBatch batch = connection.CreateBatch();
        batch.BatchCommands.Add(Of("SELECT number, owner FROM sluice_sink WHERE name = $1 AND part = $2", partition));
        await using NpgsqlDataReader rows = await batch.ExecuteReaderAsync().ConfigureAwait(false);
        return await rows.ReadAsync().ConfigureAwait(false) ? (rows.GetInt64(0), rows.GetInt64(1)) : null;
    }

    private NpgsqlBatchCommand Change(string what, NotedPartition partition, long number, string rest = "")
        => Of($"UPDATE sluice_sink SET {what} WHERE name = $1 AND part = $2 AND number = $3 AND owner = $4{rest}", partition).With(number)
            .With(partition.Owner);

    private NpgsqlBatchCommand Forget(NotedPartition partition)
        => Of("DELETE FROM sluice_sink_row WHERE name = $1 AND part = $2", partition);

    private NpgsqlBatchCommand Of(string text, NotedPartition partition)
        => new NpgsqlBatchCommand(text).With(name).With(partition.Number);

    private async Task DoAsync(params NpgsqlBatchCommand[] commands)
    {
        await using NpgsqlConnection connection = await source.OpenOwnAsync().ConfigureAwait(false);
        await RunAsync(connection, commands).ConfigureAwait(false);
    }

    private static async Task RunAsync(NpgsqlConnection connection, params NpgsqlBatchCommand[] commands)
    {
        await using NpgsqlBatch batch = connection.CreateBatch();
        foreach (NpgsqlBatchCommand command in commands) batch.BatchCommands.Add(command);
        await batch.ExecuteNonQueryAsync().ConfigureAwait(false);
    }
}

/// <summary>A partition of the consecutor, as it was noted when this process became its owner.</summary>
/// <param name="Number">The number of the partition.</param>
/// <param name="Owner">How many owners there were: no other process has this number.</param>
/// <param name="Written">The number of the last transaction.</param>
/// <param name="IsConfirmed">Whether the store that the sink wrote with has committed any of its transactions.</param>
internal sealed record NotedPartition(int Number, long Owner, long Written, bool IsConfirmed);
