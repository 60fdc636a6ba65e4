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
        List<RowGroup> groups = Group(writes);
        List<NpgsqlBatchCommand> commands = groups.ConvertAll(static group => group.ToCommand());
        if (await TryAsync(connection, commands).ConfigureAwait(false) is not { } failed) return;
        RowGroup? at = failed.At < groups.Count ? groups[failed.At] : null;
        if (groups.Exists(static group => group.Count > 1) && (at is null || at.Count > 1))
        {
            // One row of a group is at fault, or a statement cannot write two of the rows: ON CONFLICT DO UPDATE changes no row twice.
            List<RowGroup> singles = Single(writes);
            commands = singles.ConvertAll(static row => row.ToCommand());
            if (await TryAsync(connection, commands).ConfigureAwait(false) is not { } again) return;
            (failed, groups) = (again, singles);
        }
        throw Refused(failed.Failure, failed.At, groups);
    }

    /// <summary>Runs statements in one round trip, each for itself.</summary>
    /// <returns>How many rows each statement has changed; negative for a SELECT, which does not say so.</returns>
    /// <inheritdoc cref="RunAsync"/>
    public static async Task<int[]> RunSinglyAsync(NpgsqlConnection connection, PostgresWrites writes)
    {
        List<RowGroup> singles = Single([writes]);
        List<NpgsqlBatchCommand> commands = singles.ConvertAll(static row => row.ToCommand());
        if (await TryAsync(connection, commands).ConfigureAwait(false) is { } failed) throw Refused(failed.Failure, failed.At, singles);
        return [.. commands.Select(static command => command.RecordsAffected)];
    }

    /// <summary>Whether the statement is at fault: its words, tables, types or rights.</summary>
    public static bool IsOfStatement(PostgresException failure) => failure.SqlState[..2] is "42" or "0A" or "26" or "3D" or "3F";

    // Classes of the error codes in PostgreSQL's manual: connection, state of the transaction, conflicts, resources, administrators, the
    // system, configuration, internal errors. All that is neither this nor the statement is about the row: its values, a constraint, a
    // trigger with an error code of its own.
    public static bool IsOfServer(PostgresException failure)
        => failure.SqlState[..2] is "08" or "25" or "40" or "53" or "55" or "57" or "58" or "F0" or "XX";

    private static List<RowGroup> Group(IReadOnlyList<PostgresWrites> all)
    {
        List<RowGroup> groups = [];
        foreach (PostgresWrites writes in all)
            for (int i = 0; i < writes.Count; i++)
                if (i == 0 || !groups[^1].TryAdd()) groups.Add(new(writes, i));
        return groups;
    }

    private static List<RowGroup> Single(IReadOnlyList<PostgresWrites> all)
        => [.. all.SelectMany(static writes => Enumerable.Range(0, writes.Count).Select(i => new RowGroup(writes, i)))];

    /// <returns>The number of the statement that was refused, and why; null if all were run.</returns>
    private static async Task<(int At, PostgresException Failure)?> TryAsync(NpgsqlConnection connection, List<NpgsqlBatchCommand> commands)
    {
        await using NpgsqlBatch batch = connection.CreateBatch();
        batch.BatchCommands.Add(new("SAVEPOINT sluice_sink"));
        foreach (NpgsqlBatchCommand command in commands) batch.BatchCommands.Add(command);
        // Deferred constraints are checked now, and not at COMMIT, where they would fail other callers, too. The next commit of the round
        // may defer them again.
        batch.BatchCommands.Add(new("SET CONSTRAINTS ALL IMMEDIATE"));
        batch.BatchCommands.Add(new("SET CONSTRAINTS ALL DEFERRED"));
        batch.BatchCommands.Add(new("RELEASE SAVEPOINT sluice_sink"));
        try
        {
            await batch.ExecuteNonQueryAsync().ConfigureAwait(false);
            return null;
        }
        catch (PostgresException failure) when (!IsOfServer(failure))
        {
            int at = 0;                              // statements that were executed before have a type, the savepoint among them
            while (at < commands.Count && commands[at].StatementType != StatementType.Unknown) at++;
            await using NpgsqlBatch back = connection.CreateBatch();
            back.BatchCommands.Add(new("ROLLBACK TO SAVEPOINT sluice_sink"));
            back.BatchCommands.Add(new("RELEASE SAVEPOINT sluice_sink"));
            await back.ExecuteNonQueryAsync().ConfigureAwait(false);
            return (at, failure);
        }
    }

    private static StreamStoreException Refused(PostgresException failure, int at, List<RowGroup> groups)
    {
        // No statement is named: the consecutor finds the item by commits of fewer items.
        if (at >= groups.Count)
            return new ItemRejectedException(
                $"A constraint that is checked last refused a row: {failure.MessageText} ({failure.SqlState}).");
        (PostgresWrites writes, int item) = (groups[at].Writes, groups[at].First);
        (string sql, object?[] values) = writes.Statements[item];
        string why = $"{failure.MessageText} ({failure.SqlState}). The statement: {sql}";
        // The server's further lines would stand in each dead letter; they say nothing that this does not.
        return IsOfStatement(failure) ? new StreamStoreException($"A statement of a sink failed: {why}", failure)
            : new ItemRejectedException($"The row {RowText.Of(values)} was refused: {why}") { Attachment = writes, Item = item };
    }
}
