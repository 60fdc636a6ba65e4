using System.Collections.Concurrent;
using System.Data;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Sluice.PostgreSql;

/// <summary>
/// Finds out whether a row is at fault when the error code does not tell. The row is at fault if the server takes another row of its commit
/// at the same moment. Nothing of a trial stays: it ends with a rollback to its savepoint.
/// </summary>
internal static class RowTrials
{
    private const int MaxOthers = 8, MaxRemembered = 1000;

    // The rows that were at fault, with the error code: when its item is tried again, a row is alone in its commit.
    private static readonly ConcurrentDictionary<(string Sql, string Row, string Code), bool> AtFault = new();

    /// <summary>Whether the row is certainly at fault, and not the statement, a trigger that refuses all rows, or the server.</summary>
    /// <param name="connection">The connection, in a transaction that can go on.</param>
    /// <param name="failure">The failure, whose row is known.</param>
    /// <exception cref="PostgresException">The server failed. If the connection is closed now, the row is not at fault.</exception>
    public static async Task<bool> IsToBlameAsync(NpgsqlConnection connection, RowFailure failure)
    {
        string sql = failure.Row!.Statement.Sql;
        // The server infers the types of values that are null, and checks words, tables and rights. It does not run the statement.
        if (!await PassesAsync(connection, ($"EXPLAIN {sql}", new object?[SqlPlaces.Count(sql)]), mustChange: false).ConfigureAwait(false))
            return false;
        var row = (sql, DigestOf(failure.Row.Statement.Values), failure.Cause.SqlState);
        if (SinkFailures.IsOfParsing(failure.Cause) || AtFault.ContainsKey(row)) return true;
        foreach (object?[] other in Others(failure.Row, SinkFailures.IsCostly(failure.Cause) ? 1 : MaxOthers))
        {
            if (!await PassesAsync(connection, (sql, other), mustChange: true).ConfigureAwait(false)) continue;
            if (AtFault.Count >= MaxRemembered) AtFault.Clear();
            AtFault[row] = true;
            return true;
        }
        return false;
    }

    // Of the whole values, which may be long: two rows of the same length are not the same row.
    private static string DigestOf(object?[] values)
    {
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Add(values);
        return Convert.ToHexString(hash.GetHashAndReset());

        void Add(object? value)
        {
            ReadOnlySpan<byte> bytes = value switch
            {
                byte[] given => given,
                ReadOnlyMemory<byte> given => given.Span,
                null or Array => [],
                _ => Encoding.UTF8.GetBytes(Convert.ToString(value, CultureInfo.InvariantCulture) ?? ""),
            };
            hash.AppendData(Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{value?.GetType()} {bytes.Length} ")));
            hash.AppendData(bytes);
            if (value is Array and not byte[])
                foreach (object? one in (Array)value) Add(one);
        }
    }

    // Other rows of the statement, from the whole commit, and not always the same ones: they may have the same fault.
    private static IEnumerable<object?[]> Others(RowGroup row, int count)
    {
        object?[][] all = [.. row.Writes.Statements.Where((other, i) => i != row.First && other.Sql == row.Statement.Sql)
            .Select(static other => other.Values)];
        int first = all.Length == 0 ? 0 : Random.Shared.Next(all.Length), step = Math.Max(1, all.Length / count);
        for (int i = 0; i < Math.Min(count, all.Length); i++) yield return all[(first + (i * step)) % all.Length];
    }

    /// <summary>Whether the server takes a row, with all triggers and constraints. A statement that changes nothing has asked no trigger,
    /// and a refusal for another reason may come before the triggers, so both prove nothing.</summary>
    private static async Task<bool> PassesAsync(NpgsqlConnection connection, (string Sql, object?[] Values) statement, bool mustChange)
    {
        NpgsqlBatchCommand tried = RowGroup.Single(statement);
        bool passes = true;
        await using (NpgsqlBatch trial = connection.CreateBatch())
        {
            trial.BatchCommands.Add(new("SAVEPOINT sluice_trial"));
            trial.BatchCommands.Add(tried);
            trial.BatchCommands.Add(new("SET CONSTRAINTS ALL IMMEDIATE"));
            try
            {
                await trial.ExecuteNonQueryAsync().ConfigureAwait(false);
            }
            catch (PostgresException failure) when (!SinkFailures.IsOfServer(failure) && !SinkFailures.IsTransient(failure))
            {
                if (connection.State != ConnectionState.Open) throw;
                passes = false;
            }
        }
        await using NpgsqlBatch back = connection.CreateBatch();
        back.BatchCommands.Add(new("ROLLBACK TO SAVEPOINT sluice_trial"));
        back.BatchCommands.Add(new("RELEASE SAVEPOINT sluice_trial"));
        await back.ExecuteNonQueryAsync().ConfigureAwait(false);
        return passes && !(mustChange && tried.RecordsAffected == 0);
    }
}
