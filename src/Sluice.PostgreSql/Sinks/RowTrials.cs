namespace Sluice.PostgreSql;

/// <summary>
/// Finds out whether an item is at fault when the error code does not tell. It is, if behind the failure the server takes the rows of
/// another item, and then refuses the rows of this one again, alone and with the same code. Nothing of a trial stays.
/// </summary>
/// <remarks>If the connection is closed behind a trial, the client has closed it after a failure.</remarks>
internal static class RowTrials
{
    private const int MaxOthers = 8;

    /// <summary>Whether the item of a row is certainly at fault, and not the statement, a trigger that refuses all rows, or the
    /// server.</summary>
    /// <param name="connection">The connection, in a transaction that can go on.</param>
    /// <param name="writes">The rows of the commit.</param>
    /// <param name="failure">The failure, whose row is known.</param>
    /// <exception cref="PostgresException">The server failed, or the transaction is to be repeated.</exception>
    public static async Task<bool> IsToBlameAsync(NpgsqlConnection connection, IReadOnlyList<PostgresWrites> writes, RowFailure failure)
    {
        List<ItemRows> items = ItemRows.Of(writes);
        ItemRows own = items.Find(item => item.Rows.Exists(row => row.Statement.Values == failure.Row!.Statement.Values))!;
        return await IsAnotherTakenAsync(connection, items, own, failure).ConfigureAwait(false)
            && await RowWrites.TryAsync(connection, own.ToCommands(), isTrial: true).ConfigureAwait(false) is { } again
            && again.Failure.SqlState == failure.Cause.SqlState;
    }

    /// <summary>Finds the first item that a constraint which is checked last refuses, by checking behind each item.</summary>
    /// <returns>The failure with a row of the item; as it was, if no item is refused so.</returns>
    public static async Task<RowFailure> FindAsync(NpgsqlConnection connection, IReadOnlyList<PostgresWrites> writes, RowFailure failure)
    {
        List<NpgsqlBatchCommand> commands = [];
        List<RowGroup> rows = [];                    // of the commands
        foreach (ItemRows item in ItemRows.Of(writes))
        {
            commands.AddRange([.. item.ToCommands(), new("SET CONSTRAINTS ALL IMMEDIATE"), new("SET CONSTRAINTS ALL DEFERRED")]);
            rows.AddRange([.. item.Rows, item.Rows[0], item.Rows[0]]);
        }
        return await RowWrites.TryAsync(connection, commands, isTrial: true).ConfigureAwait(false) is { } found && found.At < rows.Count
            && found.Failure.SqlState == failure.Cause.SqlState ? failure with { Row = rows[found.At] } : failure;
    }

    private static async Task<bool> IsAnotherTakenAsync(NpgsqlConnection connection, List<ItemRows> items, ItemRows own, RowFailure failure)
    {
        (string sql, PostgresWrites writes) = (failure.Row!.Statement.Sql, failure.Row.Writes);
        IReadOnlySet<string> needed = failure.IsLast ? own.Statements : new HashSet<string>(StringComparer.Ordinal) { sql };
        bool isParsing = SinkFailures.IsOfParsing(failure.Cause);
        if (!isParsing && needed.Any(SinkStatement.MayDiffer)) return false;
        // Of a changed column all values are wrong, but a null of another row would be taken.
        if (isParsing && writes.Evidence?.Types is { } types && !await HasTypesAsync(connection, sql, types).ConfigureAwait(false))
            return false;
        ItemRows[] others = [.. items.Where(item => item != own && needed.IsSubsetOf(item.Statements))];
        if (others.Length == 0)
        {
            if (writes.Evidence is not { } known) return false;
            if (isParsing) return known.Types is not null;
            return known.Taken is { } taken && needed.Count == 1
                && await IsTakenAsync(connection, [RowGroup.Single((sql, taken))]).ConfigureAwait(false);
        }
        // Not always the same ones: they may have the same fault.
        int first = Random.Shared.Next(others.Length), step = Math.Max(1, others.Length / MaxOthers);
        for (int i = 0; i < Math.Min(MaxOthers, others.Length); i++)
        {
            ItemRows other = others[(first + (i * step)) % others.Length];
            if (await IsTakenAsync(connection, other.ToCommands()).ConfigureAwait(false)) return true;
            if (!RowWrites.IsOpen(connection)) return false;
        }
        return false;
    }

    // A statement that changes nothing has asked no trigger, and a refusal for another reason may come before the triggers.
    private static async Task<bool> IsTakenAsync(NpgsqlConnection connection, List<NpgsqlBatchCommand> commands)
        => await RowWrites.TryAsync(connection, commands, isTrial: true).ConfigureAwait(false) is null
            && commands.TrueForAll(static command => command.RecordsAffected != 0);

    // Whether the server infers the same types for the parameters as at the start of the sink.
    private static async Task<bool> HasTypesAsync(NpgsqlConnection connection, string sql, uint[] types)
    {
        uint[]? now = null;
        await RowWrites.TryAsync(connection, [new($"PREPARE sluice_trial AS {sql}"),
            new("SELECT parameter_types::oid[] FROM pg_prepared_statements WHERE name = 'sluice_trial'"), new("DEALLOCATE sluice_trial")],
            isTrial: true, row => now = row.GetFieldValue<uint[]>(0)).ConfigureAwait(false);
        return now is not null && types.AsSpan().SequenceEqual(now);
    }
}
