namespace Sluice.Sqlite;

/// <summary>
/// Statements of an application for its own tables. As an attachment of a commit (<see cref="StoreCommit.Attachments"/>) to a
/// <see cref="SqliteStreamStore"/>, they run in its transaction: they take effect if and only if the commit does.
/// </summary>
/// <remarks>
/// They cannot end the transaction, attach files, change settings, or touch the store's tables (prefix <c>sluice_</c>). In a store's file
/// they cannot change <c>sqlite_sequence</c> either, because its ids must not be used again. Not thread-safe; do not change them until the
/// call that they were given to has completed.
/// </remarks>
/// <example><code>
/// var writes = new SqliteWrites().Add("INSERT INTO distance(a, b, km) VALUES(?, ?, ?)", "ATL", "LAX", 3126.4);
/// await store.CommitAsync(new(owner, next) { Settled = settled, Attachments = [writes] });
/// </code></example>
public sealed class SqliteWrites : ICommitAttachment
{
    private readonly List<(string Sql, object?[] Values)> statements = [];

    /// <summary>The number of statements.</summary>
    public int Count => statements.Count;

    /// <inheritdoc/>
    public string WrittenBy => "a SQLite store";

    internal IReadOnlyList<(string Sql, object?[] Values)> Statements => statements;

    /// <summary>Adds a statement. Statements run in the order in which they were added.</summary>
    /// <param name="sql">One SQLite statement with <c>?</c> for the values. Equal texts are prepared once.</param>
    /// <param name="values">
    /// The values: null, integers, booleans (0 or 1), floating-point numbers, texts, or bytes (<c>byte[]</c>,
    /// <see cref="ReadOnlyMemory{T}"/>), which are not copied.
    /// </param>
    /// <returns>This object.</returns>
    /// <exception cref="ArgumentException">A value has another type, is NaN, or is a text with U+0000 or half a surrogate
    /// pair.</exception>
    public SqliteWrites Add(string sql, params ReadOnlySpan<object?> values)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(sql);
        for (int i = 0; i < values.Length; i++)
            if (RowValues.Refusal(values[i]) is { } why) throw new ArgumentException($"Value {i + 1} {why}.", nameof(values));
        statements.Add((sql, values.ToArray()));
        return this;
    }

    /// <summary>Removes all statements.</summary>
    public void Clear() => statements.Clear();

    /// <summary>Runs the statements in the caller's transaction.</summary>
    /// <exception cref="ItemRejectedException">The values of a statement were refused; earlier statements were run.</exception>
    /// <exception cref="StreamStoreException">A statement failed; earlier statements were run.</exception>
    internal void Run(Database database)
    {
        for (int i = 0; i < statements.Count; i++)
        {
            (string sql, object?[] values) = statements[i];
            Statement? statement = null;
            try
            {
                statement = database.Foreign(sql);
                if (statement.Parameters != values.Length)
                    throw new StreamStoreException(
                        $"A statement of a sink has {statement.Parameters} places for values and was given {values.Length}: {sql}");
                foreach (object? value in values) Put(statement, value);
                statement.Run();
            }
            catch (SqliteFailure failure) when (statement is not null
                && (failure.IsOfRow || (failure.MayBeOfRow && database.CanPrepare(sql))))
            {
                throw new ItemRejectedException(
                    $"The row {RowText.Of(values)} was refused: {failure.Message}. The statement: {sql}",
                        failure)
                { Attachment = this, Item = i };
            }
            catch (SqliteFailure failure) when (failure is { IsFull: false, IsIo: false })
            {
                throw new StreamStoreException($"A statement of a sink failed: {failure.Message}. The statement: {sql}", failure);
            }
        }
    }

    internal static void Put(Statement statement, object? value)
    {
        switch (value)
        {
            case string text:
                statement.Put(text);
                break;
            case byte[] bytes:
                statement.Put(bytes);
                break;
            case ReadOnlyMemory<byte> bytes:
                statement.Put(bytes.Span);
                break;
            case double or float:
                statement.Put(Convert.ToDouble(value, null));
                break;
            case null:
                statement.PutNull();
                break;
            default:
                statement.Put(Convert.ToInt64(value, null));
                break;
        }
    }
}
