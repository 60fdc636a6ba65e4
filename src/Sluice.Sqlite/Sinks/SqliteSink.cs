namespace Sluice.Sqlite;

/// <summary>Sinks that write rows into tables of an application's, exactly once for every item that completes. For the pipelines of consecutors.</summary>
public static class SqliteSink
{
    // Dead letters and retries are stored under it: no name of the code's.
    private const string UnnamedNode = "InStore";

    /// <summary>
    /// Rows in the file of the consecutor's own store, which must be a <see cref="SqliteStreamStore"/>: written in the transaction of the commit that settles the item.
    /// </summary>
    /// <remarks>
    /// A row that the table refuses (NOT NULL, CHECK, a type, a key that is there) fails its item, which is tried again and then becomes a dead letter that names the values; the other items are
    /// committed. If a key that is there is no failure, say what is to be done: <c>INSERT … ON CONFLICT … DO …</c>. A statement that cannot be run at all is refused when the consecutor starts, and a
    /// row with another number of values than it has places is an item that fails. A full disk, a lock and a failing medium are no item's fault: the commit is tried again.
    /// </remarks>
    /// <param name="insert">One statement, with <c>?1</c>, <c>?2</c>… for the values. May not touch the store's tables (<c>sluice_…</c>).</param>
    /// <param name="values">Makes the values of an item: null, integers, booleans (0 or 1), floating-point numbers, texts, <c>byte[]</c>. A failure is the item's.</param>
    /// <param name="create">A statement that is run at the start, <c>CREATE TABLE IF NOT EXISTS …</c>; none unless given.</param>
    public static Sink<T> InStore<T>(string insert, Func<T, object?[]> values, string? create = null)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(insert);
        var statement = new RowInsert(insert);
        return Sink.Commit(Rows(statement, values), () => new SqliteRows(statement, create), UnnamedNode);
    }

    /// <summary>
    /// Rows in another SQLite file. They are written before the commit that settles their items, with a note of how to take them back, and taken back if the commit turns
    /// out not to have been applied: when that is known, or at the next start after a crash.
    /// </summary>
    /// <remarks>
    /// <para>The consecutor's commits count those of this file: the count stands in the store and, with the note, in the table <c>sluice_sink</c> of the file. So the two belong together:
    /// a file that is older than the store, or of another store, is refused at the start.</para>
    /// <para>One process at a time writes for a node of a consecutor, held by a lock on a file beside the database. Others may read and write as SQLite allows.</para>
    /// <para>As with <see cref="InStore"/>, a row that the table refuses fails its item, and a statement that cannot be run is refused at the start.</para>
    /// </remarks>
    /// <param name="path">The file; its directory must exist, and it must not be the store's.</param>
    /// <param name="insert">One statement, with <c>?1</c>, <c>?2</c>… for the values.</param>
    /// <param name="delete">
    /// What takes a row back: one statement, with the same values, of which it may leave out the last ones: <c>DELETE FROM distance WHERE origin = ?1 AND destination = ?2</c>.
    /// </param>
    /// <param name="values">Makes the values of an item: null, integers, booleans (0 or 1), floating-point numbers, texts, <c>byte[]</c>. A failure is the item's.</param>
    /// <param name="create">A statement that is run at the start, <c>CREATE TABLE IF NOT EXISTS …</c>; none unless given.</param>
    /// <param name="adopt">Whether a file that was written with another store is taken as it is, instead of refused.</param>
    public static Sink<T> InDatabase<T>(string path, string insert, string delete, Func<T, object?[]> values, string? create = null, bool adopt = false)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        ArgumentException.ThrowIfNullOrWhiteSpace(insert);
        ArgumentException.ThrowIfNullOrWhiteSpace(delete);
        string full = Path.GetFullPath(path);
        var statement = new RowInsert(insert);
        return Sink.Commit(Rows(statement, values), () => new SqliteDatabase(full, statement, delete, create, adopt), Path.GetFileName(full));
    }

    private static Func<T, object?[]> Rows<T>(RowInsert insert, Func<T, object?[]> values)
    {
        ArgumentNullException.ThrowIfNull(values);
        return Row;

        object?[] Row(T item)
        {
            object?[] row = values(item) ?? throw new InvalidOperationException("The function of a sink returned null instead of the values of a row.");
            insert.Check(row);
            return row;
        }
    }
}
