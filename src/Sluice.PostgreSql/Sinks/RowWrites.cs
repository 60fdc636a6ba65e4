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
        RowSuspicion? suspicion = RowSuspicion.Find(writes);
        if (suspicion is not null) await suspicion.CheckAsync(connection).ConfigureAwait(false);
        List<RowGroup> groups = suspicion is { IsSingle: true } ? Single(writes) : Group(writes);
        if (groups.Count == 0) return;
        List<NpgsqlBatchCommand> commands = groups.ConvertAll(static group => group.ToCommand());
        if (await TryAsync(connection, groups, commands).ConfigureAwait(false) is { } failed)
        {
            if (IsOfGroup(groups, failed.At) && IsOpen(connection))
            {
                // One row of a group is at fault, or a statement cannot write two of the rows: ON CONFLICT DO UPDATE changes no row twice.
                groups = Single(writes);
                commands = groups.ConvertAll(static row => row.ToCommand());
                if (await TryAsync(connection, groups, commands).ConfigureAwait(false) is not { } again) return;
                failed = again;
            }
            throw await WhyAsync(connection, failed.Failure, failed.At, groups).ConfigureAwait(false);
        }
    }

    /// <summary>Runs statements in one round trip, each for itself.</summary>
    /// <returns>How many rows each statement has changed; negative for a SELECT, which does not say so.</returns>
    /// <inheritdoc cref="RunAsync"/>
    public static async Task<int[]> RunSinglyAsync(NpgsqlConnection connection, PostgresWrites writes)
    {
        if (RowSuspicion.Find([writes]) is { } suspicion) await suspicion.CheckAsync(connection).ConfigureAwait(false);
        List<RowGroup> singles = Single([writes]);
        List<NpgsqlBatchCommand> commands = singles.ConvertAll(static row => row.ToCommand());
        if (await TryAsync(connection, singles, commands).ConfigureAwait(false) is { } failed)
            throw await WhyAsync(connection, failed.Failure, failed.At, singles).ConfigureAwait(false);
        return [.. commands.Select(static command => command.RecordsAffected)];
    }

    // The client closes the connection after some failures, though the server does not.
    private static bool IsOpen(NpgsqlConnection connection) => connection.State == System.Data.ConnectionState.Open;

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

    private static List<RowGroup> Single(IReadOnlyList<PostgresWrites> all)
        => [.. all.SelectMany(static writes => Enumerable.Range(0, writes.Count).Select(i => new RowGroup(writes, i)))];

    /// <returns>The number of the statement that was refused, and why; null if all were run.</returns>
    /// <exception cref="PostgresException">The server failed, or a repetition of the transaction may succeed.</exception>
    private static async Task<(int At, PostgresException Failure)?> TryAsync(NpgsqlConnection connection, List<RowGroup> groups,
        List<NpgsqlBatchCommand> commands)
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
        catch (PostgresException failure) when (!SinkFailures.IsOfServer(failure) && !SinkFailures.IsTransient(failure))
        {
            int at = 0;                              // statements that were executed before have a type, the savepoint among them
            while (at < commands.Count && commands[at].StatementType != StatementType.Unknown) at++;
            if (!IsOpen(connection)) return (at, failure);
            await using NpgsqlBatch back = connection.CreateBatch();
            back.BatchCommands.Add(new("ROLLBACK TO SAVEPOINT sluice_sink"));
            back.BatchCommands.Add(new("RELEASE SAVEPOINT sluice_sink"));
            await back.ExecuteNonQueryAsync().ConfigureAwait(false);
            return (at, failure);
        }
    }

    /// <returns>The exception to throw.</returns>
    private static async Task<Exception> WhyAsync(NpgsqlConnection connection, PostgresException cause, int at, List<RowGroup> groups)
    {
        if (!IsOpen(connection) && IsOfGroup(groups, at))
        {
            RowSuspicion.Of(groups[0]).Lose(null);
            return cause;
        }
        bool isLast = at >= groups.Count;
        List<RowGroup> items = groups.FindAll(static group => !group.Writes.IsOfLibrary);
        RowGroup? row = !isLast ? groups[at] : items is [{ Count: 1 } only] ? only : null;
        var failure = new RowFailure(cause, row, isLast);
        if (row is { Writes.IsOfLibrary: true }) return failure.OfStatement();
        if (!IsOpen(connection))
        {
            RowSuspicion.Of(groups[0]).Lose(failure);
            return cause;
        }
        if (row is null || !SinkFailures.IsInDoubt(cause)
            || await RowTrials.IsToBlameAsync(connection, failure).ConfigureAwait(false)) return failure.OfRow();
        return failure.OfStatement();
    }
}
