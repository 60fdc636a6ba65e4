using System.Globalization;

namespace Sluice.Sqlite;

/// <summary>
/// The transaction of a commit of a <see cref="SqliteStreamStore"/>, for your own statements
/// (<see cref="ItemContext.InTransaction{TTransaction}"/>): they take effect if and only if the item is settled.
/// </summary>
/// <remarks>
/// Valid during the function only. Statements cannot end the transaction, use savepoints, attach files, change settings, or touch the
/// store's tables (prefix <c>sluice_</c>) and <c>sqlite_sequence</c>, which keeps ids from being used again. Thread-safe; statements run
/// one at a time. The store writes nothing else meanwhile: the function has 2 seconds. If a constraint rolls back the transaction
/// (<c>INSERT OR ROLLBACK</c>, <c>RAISE(ROLLBACK)</c>), all later statements are refused, and the item fails.
/// </remarks>
/// <example><code>
/// context.InTransaction&lt;SqliteTransaction&gt;((transaction, _) =&gt;
/// {
///     if (transaction.Execute("UPDATE stock SET count = count - 1 WHERE id = ? AND count &gt; 0", order.Id) == 0)
///         throw new InvalidOperationException("Out of stock.");
///     return default;
/// });
/// </code></example>
public sealed class SqliteTransaction
{
    internal const string RolledBack = "A statement has rolled the transaction back (ON CONFLICT ROLLBACK, or RAISE(ROLLBACK) in a "
        + "trigger): the function must fail then.";

    private readonly Lock gate = new();
    private readonly Database database;
    private bool hasEnded;

    internal SqliteTransaction(Database database) => this.database = database;

    /// <summary>A failure of the disk or the file that a statement met, whatever the function made of it.</summary>
    internal SqliteFailure? Fault { get; private set; }

    /// <summary>Executes a statement.</summary>
    /// <param name="sql">One SQLite statement with <c>?</c> for the values. Equal texts are prepared once.</param>
    /// <param name="values">The values: null, integers, booleans (0 or 1), floating-point numbers, texts, or bytes.</param>
    /// <returns>The number of changed rows.</returns>
    /// <exception cref="ArgumentException">A value has another type, or their number differs from the number of parameters.</exception>
    /// <exception cref="StreamStoreException">SQLite refuses the statement or its values; its effects are undone.</exception>
    /// <exception cref="InvalidOperationException">The function has ended, or was given up.</exception>
    public int Execute(string sql, params ReadOnlySpan<object?> values)
    {
        lock (gate)
        {
            long before = database.TotalChanges;
            Run(sql, values, null);
            return (int)(database.TotalChanges - before);
        }
    }

    /// <summary>Executes a query, and reads all its rows.</summary>
    /// <param name="sql">One SQLite statement with <c>?</c> for the values.</param>
    /// <param name="values">The values, as in <see cref="Execute"/>.</param>
    /// <returns>The rows, with values of the types <c>long</c>, <c>double</c>, <c>string</c> and <c>byte[]</c>, and null.</returns>
    /// <exception cref="ArgumentException">A value has another type, or their number differs from the number of parameters.</exception>
    /// <exception cref="StreamStoreException">SQLite refuses the statement or its values; its effects are undone.</exception>
    /// <exception cref="InvalidOperationException">The function has ended, or was given up.</exception>
    public IReadOnlyList<object?[]> Query(string sql, params ReadOnlySpan<object?> values)
    {
        List<object?[]> rows = [];
        lock (gate) Run(sql, values, rows);
        return rows;
    }

    /// <summary>Ends the use of the transaction, after the statement that runs now.</summary>
    internal void End()
    {
        lock (gate) hasEnded = true;
    }

    private void Run(string sql, ReadOnlySpan<object?> values, List<object?[]>? rows)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(sql);
        if (hasEnded) throw new InvalidOperationException(
            "The transaction of the commit is no longer yours: the function has ended, or was given up because it ran too long.");
        if (!database.IsInTransaction) throw new StreamStoreException($"{RolledBack} Not executed: {sql}");
        RowValues.Check(values);
        Statement? statement = null;
        try
        {
            statement = database.Foreign(sql);
            if (statement.Parameters != values.Length)
                throw new ArgumentException(string.Create(CultureInfo.InvariantCulture,
                    $"There are {values.Length} values, and the statement has {statement.Parameters} parameters: {sql}"), nameof(values));
            foreach (object? value in values) SqliteWrites.Put(statement, value);
            while (statement.Next()) rows?.Add(statement.Row());
        }
        catch (SqliteFailure failure)
        {
            if (failure is { IsFull: true } or { IsIo: true } or { IsBusy: true } or { IsCorrupt: true }) Fault = failure;
            throw new StreamStoreException(string.Create(CultureInfo.InvariantCulture,
                $"{failure.Message} (SQLite {failure.Code}). The statement: {sql}"), failure);
        }
        finally
        {
            statement?.Reset();
        }
    }
}
