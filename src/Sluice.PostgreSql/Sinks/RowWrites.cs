namespace Sluice.PostgreSql;

/// <summary>Runs the statements of sinks in an open transaction, behind a savepoint.</summary>
internal static class RowWrites
{
    /// <summary>
    /// Runs statements in one round trip: rows of one statement together, and one by one if a group is refused, so that the refused row
    /// has a name. If a statement is refused, all of them are undone, and the transaction can go on.
    /// </summary>
    /// <exception cref="ItemRejectedException">A row was refused.</exception>
    /// <exception cref="StreamStoreException">A statement is at fault.</exception>
    /// <exception cref="PostgresException">The server failed; the transaction may be void.</exception>
    public static async Task RunAsync(NpgsqlConnection connection, IReadOnlyList<PostgresWrites> writes)
    {
        bool hasFailed = await HasFailedAsync(connection, writes).ConfigureAwait(false);
        List<RowGroup> groups = hasFailed ? Single(writes) : Group(writes);
        if (groups.Count == 0) return;
        if (await WriteAsync(connection, groups).ConfigureAwait(false) is not { } failed) return;
        if (IsOfGroup(groups, failed.At) && IsOpen(connection))
        {
            // One row of a group is at fault, or a statement cannot write two of the rows: ON CONFLICT DO UPDATE changes no row twice.
            groups = Single(writes);
            if (await WriteAsync(connection, groups).ConfigureAwait(false) is not { } again) return;
            failed = again;
        }
        throw await WhyAsync(connection, writes, failed.Failure, failed.At, groups).ConfigureAwait(false);
    }

    /// <summary>Runs statements in one round trip, each for itself.</summary>
    /// <returns>How many rows each statement has changed; negative for a SELECT, which does not say so.</returns>
    /// <inheritdoc cref="RunAsync"/>
    public static async Task<int[]> RunSinglyAsync(NpgsqlConnection connection, PostgresWrites writes)
    {
        await HasFailedAsync(connection, [writes]).ConfigureAwait(false);
        List<RowGroup> singles = Single([writes]);
        List<NpgsqlBatchCommand> commands = singles.ConvertAll(static row => row.ToCommand());
        if (await WriteAsync(connection, singles, commands).ConfigureAwait(false) is { } failed)
            throw await WhyAsync(connection, [writes], failed.Failure, failed.At, singles).ConfigureAwait(false);
        return [.. commands.Select(static command => command.RecordsAffected)];
    }

    /// <summary>Whether the client has left the connection open; it closes it after some failures, though the server does not.</summary>
    public static bool IsOpen(NpgsqlConnection connection) => connection.State == System.Data.ConnectionState.Open;

    /// <summary>Runs statements and checks deferred constraints behind them, behind a savepoint. A refusal undoes all of them.</summary>
    /// <param name="connection">The connection, in a transaction that can go on.</param>
    /// <param name="commands">The statements.</param>
    /// <param name="isTrial">Whether the statements are undone also if the server takes them.</param>
    /// <param name="read">Gets each row of a result; null if no statement returns something of interest.</param>
    /// <returns>The number of the statement that was refused, and why; null if all were run.</returns>
    /// <exception cref="PostgresException">The server failed, or a repetition of the transaction may succeed.</exception>
    public static async Task<(int At, PostgresException Failure)?> TryAsync(NpgsqlConnection connection, List<NpgsqlBatchCommand> commands,
        bool isTrial = false, Action<NpgsqlDataReader>? read = null)
    {
        (int At, PostgresException Failure)? failed = null;
        await using (NpgsqlBatch batch = connection.CreateBatch())
        {
            batch.BatchCommands.Add(new("SAVEPOINT sluice_sink"));
            foreach (NpgsqlBatchCommand command in commands) batch.BatchCommands.Add(command);
            // Deferred constraints are checked now, and not at COMMIT, where they would fail other callers, too. The next commit of the
            // round may defer them again.
            batch.BatchCommands.Add(new("SET CONSTRAINTS ALL IMMEDIATE"));
            batch.BatchCommands.Add(new("SET CONSTRAINTS ALL DEFERRED"));
            if (!isTrial) batch.BatchCommands.Add(new("RELEASE SAVEPOINT sluice_sink"));
            try
            {
                if (read is null) await batch.ExecuteNonQueryAsync().ConfigureAwait(false);
                else await ReadAsync(batch, read).ConfigureAwait(false);
                if (!isTrial) return null;
            }
            catch (PostgresException failure) when (!SinkFailures.IsOfServer(failure) && !SinkFailures.IsTransient(failure))
            {
                failed = (AtOf(commands), failure);
            }
        }
        if (!IsOpen(connection)) return failed;
        await using NpgsqlBatch back = connection.CreateBatch();
        back.BatchCommands.Add(new("ROLLBACK TO SAVEPOINT sluice_sink"));
        back.BatchCommands.Add(new("RELEASE SAVEPOINT sluice_sink"));
        await back.ExecuteNonQueryAsync().ConfigureAwait(false);
        return failed;
    }

    private static async Task ReadAsync(NpgsqlBatch batch, Action<NpgsqlDataReader> read)
    {
        await using NpgsqlDataReader rows = await batch.ExecuteReaderAsync().ConfigureAwait(false);
        do
        {
            while (await rows.ReadAsync().ConfigureAwait(false)) read(rows);
        }
        while (await rows.NextResultAsync().ConfigureAwait(false));
    }

    // Statements that were executed have a type.
    private static int AtOf(List<NpgsqlBatchCommand> commands)
    {
        int at = commands.FindIndex(static command => command.StatementType == StatementType.Unknown);
        return at < 0 ? commands.Count : at;
    }

    private static bool IsOfGroup(List<RowGroup> groups, int at)
        => at < groups.Count ? groups[at].Count > 1 : groups.Exists(static group => group.Count > 1);

    private static List<RowGroup> Group(IReadOnlyList<PostgresWrites> all)
    {
        List<RowGroup> groups = [];
        foreach (PostgresWrites writes in all)
            for (int i = 0; i < writes.Count; i++)
                if (i == 0 || !groups[^1].TryAdd()) groups.Add(new(writes, i));
        return groups;
    }

    private static List<RowGroup> Single(IReadOnlyList<PostgresWrites> all) => [.. all.SelectMany(static writes => writes.Singly())];

    private static Task<(int At, PostgresException Failure)?> WriteAsync(NpgsqlConnection connection, List<RowGroup> groups)
        => WriteAsync(connection, groups, groups.ConvertAll(static group => group.ToCommand()));

    private static async Task<(int At, PostgresException Failure)?> WriteAsync(NpgsqlConnection connection, List<RowGroup> groups,
        List<NpgsqlBatchCommand> commands)
    {
        try
        {
            return await TryAsync(connection, commands).ConfigureAwait(false);
        }
        catch (PostgresException failure) when (SinkFailures.IsTransient(failure))
        {
            int at = AtOf(commands);
            throw new RowFailure(failure, at < groups.Count ? groups[at] : groups.Count == 1 ? groups[0] : null, at == groups.Count)
                .OfTransaction();
        }
    }

    // Goes on with a failure that has closed the connection of an earlier attempt.
    private static async Task<bool> HasFailedAsync(NpgsqlConnection connection, IReadOnlyList<PostgresWrites> writes)
    {
        if (RowSuspicion.Find(writes) is not { } suspicion) return false;
        if (suspicion.Take(writes) is { } failure) throw await JudgeAsync(connection, writes, failure).ConfigureAwait(false);
        return true;
    }

    /// <returns>The exception to throw.</returns>
    private static async Task<Exception> WhyAsync(NpgsqlConnection connection, IReadOnlyList<PostgresWrites> writes,
        PostgresException cause, int at, List<RowGroup> groups)
    {
        bool isLast = at >= groups.Count;
        List<RowGroup> items = groups.FindAll(static group => !group.Writes.IsOfLibrary);
        var failure = new RowFailure(cause, !isLast ? groups[at] : items is [{ Count: 1 } only] ? only : null, isLast);
        if (failure.Row is { Writes.IsOfLibrary: true }) return failure.OfStatement();
        if (SinkFailures.IsOfRow(cause)) return failure.OfRow();
        if (IsOpen(connection)) return await JudgeAsync(connection, writes, failure).ConfigureAwait(false);
        RowSuspicion.Note(writes, IsOfGroup(groups, at) ? null : failure);
        return failure.OfTransaction();
    }

    // An error code does not tell whether the item, the statement or the server is at fault.
    private static async Task<Exception> JudgeAsync(NpgsqlConnection connection, IReadOnlyList<PostgresWrites> writes, RowFailure failure)
    {
        if (failure.IsProven) return failure.OfRow();
        try
        {
            if (failure.Row is null) failure = await RowTrials.FindAsync(connection, writes, failure).ConfigureAwait(false);
            if (failure.Row is not null && IsOpen(connection))
                failure = failure with { IsProven = await RowTrials.IsToBlameAsync(connection, writes, failure).ConfigureAwait(false) };
        }
        catch (PostgresException other) when (SinkFailures.IsTransient(other))
        {
            throw (failure with { Cause = other }).OfTransaction();
        }
        if (IsOpen(connection)) return failure.IsProven ? failure.OfRow() : failure.OfStatement();
        RowSuspicion.Note(writes, failure);
        return failure.OfTransaction();
    }
}
