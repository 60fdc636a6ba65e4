using System.Data;
using System.Runtime.CompilerServices;

namespace Sluice.PostgreSql;

/// <summary>
/// Finds out whether a row is at fault when the error code does not tell. The row is at fault if the server takes the statement with other
/// values. Nothing of a trial stays: it ends with a rollback to its savepoint.
/// </summary>
internal static class RowTrials
{
    private const int MaxOthers = 8;

    // A row of the statement that the server has taken, for the trial of a row that is alone in its commit. At most one row is kept.
    private static readonly ConditionalWeakTable<string, StrongBox<object?[]>> Taken = new();

    /// <summary>The server has taken the statements.</summary>
    public static void Note(IReadOnlyList<PostgresWrites> writes)
    {
        foreach (PostgresWrites taken in writes)
            if (taken.Count > 0) Taken.GetValue(taken.Statements[0].Sql, static _ => new()).Value = taken.Statements[0].Values;
    }

    /// <summary>Whether the row is at fault, and not the statement, a trigger that refuses all rows, or the server.</summary>
    /// <param name="connection">The connection, in a transaction that can go on.</param>
    /// <param name="failure">The failure, whose row is known.</param>
    /// <exception cref="PostgresException">The server failed. If the connection is closed now, the row is not at fault.</exception>
    public static async Task<bool> IsToBlameAsync(NpgsqlConnection connection, RowFailure failure)
    {
        (string sql, object?[] values) = failure.Row!.Statement;
        var none = new object?[SqlPlaces.Count(sql)];
        // The server infers the types of values that are null, and checks words, tables and rights. It does not run the statement.
        if (!await PassesAsync(connection, ($"EXPLAIN {sql}", none)).ConfigureAwait(false)) return false;
        if (failure.HasTaken || SinkFailures.IsOfParsing(failure.Cause)) return true;
        object?[][] others = [.. Others(failure.Row, SinkFailures.IsCostly(failure.Cause) ? 1 : MaxOthers)];
        foreach (object?[] other in others)
            if (await PassesAsync(connection, (sql, other)).ConfigureAwait(false)) return true;
        if (Taken.TryGetValue(sql, out StrongBox<object?[]>? taken) && taken.Value is { } before && before != values)
            return await PassesAsync(connection, (sql, before)).ConfigureAwait(false);
        // Only an insert of parameters and constants is harmless with nulls. A table that refuses the nulls has asked its triggers before.
        return others.Length == 0 && BatchedInsert.Of(sql) is not null && await PassesAsync(connection, (sql, none)).ConfigureAwait(false);
    }

    // Other rows of the statement, from the whole commit, and not always the same ones: they may have the same fault.
    private static IEnumerable<object?[]> Others(RowGroup row, int count)
    {
        object?[][] all = [.. row.Writes.Statements.Where((other, i) => i != row.First && other.Sql == row.Statement.Sql)
            .Select(static other => other.Values)];
        int first = all.Length == 0 ? 0 : Random.Shared.Next(all.Length), step = Math.Max(1, all.Length / count);
        for (int i = 0; i < Math.Min(count, all.Length); i++) yield return all[(first + (i * step)) % all.Length];
    }

    /// <summary>Whether the server takes a row, or refuses it for a reason that leaves the statement in no doubt.</summary>
    private static async Task<bool> PassesAsync(NpgsqlConnection connection, (string Sql, object?[] Values) statement)
    {
        bool passes = true;
        await using (NpgsqlBatch trial = connection.CreateBatch())
        {
            trial.BatchCommands.Add(new("SAVEPOINT sluice_trial"));
            trial.BatchCommands.Add(RowGroup.Single(statement));
            trial.BatchCommands.Add(new("SET CONSTRAINTS ALL IMMEDIATE"));
            try
            {
                await trial.ExecuteNonQueryAsync().ConfigureAwait(false);
            }
            catch (PostgresException failure) when (!SinkFailures.IsOfServer(failure))
            {
                if (connection.State != ConnectionState.Open) throw;
                passes = !SinkFailures.IsInDoubt(failure);
            }
        }
        await using NpgsqlBatch back = connection.CreateBatch();
        back.BatchCommands.Add(new("ROLLBACK TO SAVEPOINT sluice_trial"));
        back.BatchCommands.Add(new("RELEASE SAVEPOINT sluice_trial"));
        await back.ExecuteNonQueryAsync().ConfigureAwait(false);
        return passes;
    }
}
