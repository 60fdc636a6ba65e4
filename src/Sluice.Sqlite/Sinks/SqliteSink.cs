namespace Sluice.Sqlite;

/// <summary>
/// Sinks that write one row per completed item into the application's tables, exactly once. For the pipelines of consecutors.
/// </summary>
public static class SqliteSink
{
    // Dead letters and retries are stored under this name, so it does not follow names in the code.
    private const string UnnamedNode = "InStore";

    /// <summary>
    /// Creates a sink that writes rows into the file of the consecutor's store, in the transaction of the commit that settles the item. The
    /// store must be a <see cref="SqliteStreamStore"/>.
    /// </summary>
    /// <remarks>
    /// <para>
    /// If the table refuses a row (NOT NULL, CHECK, a type, an existing key), its item fails. It is retried and then becomes a dead letter
    /// that names the values. The other items are committed. If an existing key is no error, use <c>INSERT … ON CONFLICT … DO …</c>.
    /// </para>
    /// <para>
    /// An invalid statement is refused when the consecutor starts. A row with a wrong number of values fails its item. After a full disk, a
    /// lock or a failing medium, the commit is repeated.
    /// </para>
    /// </remarks>
    /// <param name="insert">
    /// One statement with parameters <c>?1</c>, <c>?2</c>… It must not touch the store's tables (<c>sluice_…</c>).
    /// </param>
    /// <param name="values">
    /// Returns the values of an item's row: null, integers, booleans (0 or 1), floating-point numbers, texts, <c>byte[]</c>. An exception
    /// fails the item.
    /// </param>
    /// <param name="create">A statement to run at the start, <c>CREATE TABLE IF NOT EXISTS …</c>; null for none.</param>
    public static Sink<T> InStore<T>(string insert, Func<T, object?[]> values, string? create = null)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(insert);
        var statement = new RowInsert(insert);
        return Sink.Commit(Rows(statement, values), () => new SqliteRows(statement, create), UnnamedNode);
    }

    /// <summary>
    /// Creates a sink that writes rows into another SQLite file, before the commit that settles their items. If that commit is not applied,
    /// the rows are undone: once that is known, or at the next start after a crash.
    /// </summary>
    /// <remarks>
    /// <para>
    /// The store and the file both count the consecutor's commits, the file in its table <c>sluice_sink</c>. So the two belong together: a
    /// file that is older than the store, or belongs to another store, is refused at the start.
    /// </para>
    /// <para>
    /// A lock file beside the database allows one process at a time to write for a node of a consecutor. Other programs may read and write
    /// as SQLite allows.
    /// </para>
    /// <para>
    /// As with <see cref="InStore"/>, a refused row fails its item, and an invalid statement is refused at the start. If an existing key is
    /// no error, use <c>INSERT … ON CONFLICT DO NOTHING</c>: a statement that changes nothing is not undone.
    /// </para>
    /// </remarks>
    /// <param name="path">The file, in an existing directory; it must not be the store's file.</param>
    /// <param name="insert">
    /// One statement with parameters <c>?1</c>, <c>?2</c>… It writes rows that <paramref name="delete"/> can undo: an <c>ON CONFLICT DO
    /// UPDATE</c> and an <c>INSERT OR REPLACE</c> lose the row that was there.
    /// </param>
    /// <param name="delete">
    /// The statement that undoes a row. It gets the same values and may omit the last ones: <c>DELETE FROM distance WHERE origin = ?1 AND
    /// destination = ?2</c>.
    /// </param>
    /// <param name="values">
    /// Returns the values of an item's row: null, integers, booleans (0 or 1), floating-point numbers, texts, <c>byte[]</c>. An exception
    /// fails the item.
    /// </param>
    /// <param name="create">A statement to run at the start, <c>CREATE TABLE IF NOT EXISTS …</c>; null for none.</param>
    /// <param name="adopt">Whether to accept a file that was written with another store, instead of refusing it.</param>
    public static Sink<T> InDatabase<T>(string path, string insert, string delete, Func<T, object?[]> values, string? create = null,
        bool adopt = false)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        ArgumentException.ThrowIfNullOrWhiteSpace(insert);
        ArgumentException.ThrowIfNullOrWhiteSpace(delete);
        string full = Path.GetFullPath(path);
        var statement = new RowInsert(insert);
        return Sink.Commit(Rows(statement, values), () => new SqliteDatabase(full, statement, delete, create, adopt),
            Path.GetFileName(full));
    }

    private static Func<T, object?[]> Rows<T>(RowInsert insert, Func<T, object?[]> values)
    {
        ArgumentNullException.ThrowIfNull(values);
        return Row;

        object?[] Row(T item)
        {
            object?[] row = values(item) ?? throw new InvalidOperationException(
                "The function of a sink returned null instead of the values of a row.");
            insert.Check(row);
            return row;
        }
    }
}
