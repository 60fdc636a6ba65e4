namespace Sluice.PostgreSql;

/// <summary>
/// Statements of an application for its own tables. As an attachment of a commit (<see cref="StoreCommit.Attachments"/>) to a
/// <see cref="PostgresStreamStore"/>, they run in its transaction: they take effect if and only if the commit does.
/// </summary>
/// <remarks>Not thread-safe; do not change them until the call that they were given to has completed.</remarks>
/// <example><code>
/// var writes = new PostgresWrites().Add("INSERT INTO distance(a, b, km) VALUES($1, $2, $3)", "ATL", "LAX", 3126.4);
/// await store.CommitAsync(new(owner, next) { Settled = settled, Attachments = [writes] });
/// </code></example>
public sealed class PostgresWrites : ICommitAttachment
{
    private readonly List<(string Sql, object?[] Values)> statements = [];

    /// <summary>The number of statements.</summary>
    public int Count => statements.Count;

    /// <inheritdoc/>
    public string WrittenBy => "a PostgreSQL store";

    /// <summary>Whether the rows are notes of the library, which belong to no item.</summary>
    internal bool IsOfLibrary { get; init; }

    /// <summary>The items of the statements, at the same indexes; null if they are not known.</summary>
    internal IReadOnlyList<StagedItem<object?[]>>? Items { get; init; }

    /// <summary>What the server takes from the sink of the rows; null if it is not known.</summary>
    internal SinkEvidence? Evidence { get; init; }

    internal IReadOnlyList<(string Sql, object?[] Values)> Statements => statements;

    /// <summary>Adds a statement. Statements run in the order in which they were added, in one round trip.</summary>
    /// <param name="sql">One INSERT, UPDATE, DELETE, MERGE, SELECT or WITH, with parameters <c>$1</c>, <c>$2</c>…</param>
    /// <param name="values">
    /// The values: null, booleans, numbers (<c>ulong</c> becomes <c>numeric</c>), texts, bytes (<c>byte[]</c>,
    /// <see cref="ReadOnlyMemory{T}"/>), <see cref="Guid"/>, <see cref="DateTime"/> (UTC, or of no zone), <see cref="DateTimeOffset"/>
    /// (stored as UTC), <see cref="DateOnly"/>, <see cref="TimeOnly"/>, <see cref="TimeSpan"/>, and arrays of booleans, numbers, texts,
    /// <see cref="Guid"/> and <see cref="DateOnly"/>. Arrays are not copied. As many as the statement has parameters.
    /// </param>
    /// <returns>This object.</returns>
    /// <exception cref="ArgumentException">
    /// The statement is of another kind, a value of another type, or the number of values differs from the number of parameters (the
    /// highest <c>$n</c> outside of texts, names and comments).
    /// </exception>
    public PostgresWrites Add(string sql, params ReadOnlySpan<object?> values)
    {
        SinkStatement.Check(sql);
        SinkStatement.CheckCount(sql, SqlPlaces.Count(sql), values.Length);
        statements.Add((sql, SinkValues.Prepare(values)));
        return this;
    }

    /// <summary>Removes all statements.</summary>
    public void Clear() => statements.Clear();

    /// <summary>The statements, each for itself.</summary>
    internal IEnumerable<RowGroup> Singly() => Enumerable.Range(0, Count).Select(i => new RowGroup(this, i));

    internal void AddChecked(string sql, object?[] values) => statements.Add((sql, values));
}
