using Sluice.Storage;

namespace Sluice.PostgreSql;

/// <summary>
/// Sinks that write one row per completed item into the application's tables, exactly once. For the pipelines of consecutors.
/// </summary>
public static class PostgresSink
{
    // Dead letters and retries are stored under this name, so it does not follow names in the code.
    private const string UnnamedNode = "InStore";

    /// <summary>
    /// Creates a sink that writes rows into tables of the database that the consecutor's store is in, in the transaction of the commit that
    /// settles the item. The store must be a <see cref="PostgresStreamStore"/>.
    /// </summary>
    /// <remarks>
    /// <para>
    /// If the table refuses a row (NOT NULL, CHECK, an existing or a missing key, a value or a type that its column or an index cannot
    /// have, an exception of a trigger), its item fails. It is retried and then becomes a dead letter that names the values. The other
    /// items are committed. If an existing key is no error, use <c>INSERT … ON CONFLICT … DO …</c>.
    /// </para>
    /// <para>
    /// An invalid statement is refused when the consecutor starts. If the server refuses it later for all rows, for example because the
    /// table is gone, the commit is repeated until it succeeds. If an error code does not tell whether a row or the statement is at fault
    /// (a trigger can raise any code), the sink tries rows: if the server takes the rows of another item, and then refuses those of this
    /// item again, the item is a dead letter at once. If not, the commit is repeated. The statements of a commit go to the server in one
    /// round trip. Slow triggers hold up the store's transaction, and all callers in it.
    /// </para>
    /// <para>The user of the store needs the right to write the table. Tables without a schema are found by that user's search path.</para>
    /// </remarks>
    /// <param name="insert">
    /// One statement with parameters <c>$1</c>, <c>$2</c>…: INSERT, UPDATE, DELETE, MERGE, SELECT or WITH. Convert texts for columns of
    /// other types: <c>$2::jsonb</c>.
    /// </param>
    /// <param name="values">
    /// Returns the values of an item's row: see <see cref="PostgresWrites.Add"/>. An exception fails the item.
    /// </param>
    /// <param name="create">One statement to run at the start, <c>CREATE TABLE IF NOT EXISTS …</c>; null for none.</param>
    /// <exception cref="ArgumentException">A statement is empty, or <paramref name="insert"/> is of another kind.</exception>
    public static Sink<T> InStore<T>(string insert, Func<T, object?[]> values, string? create = null)
    {
        SinkStatement statement = Checked(insert, create);
        return Sink.Commit(Rows(statement, values), () => new PostgresRows(statement, create), UnnamedNode);
    }

    /// <summary>
    /// Creates a sink that writes rows into another PostgreSQL database, before the commit that settles their items. If that commit is not
    /// applied, the rows are undone: once that is known, or at the next start after a crash. The store may be any store that outlives the
    /// process.
    /// </summary>
    /// <remarks>
    /// <para>
    /// The store and the database both count the commits of each partition, the database in its tables <c>sluice_sink</c> and
    /// <c>sluice_sink_row</c>, which the sink makes where the search path of its user leads. So the two belong together: a database that is
    /// older than the store, or belongs to another store, is refused at the start, and when it is noticed.
    /// </para>
    /// <para>
    /// Any number of processes may run the consecutor. The owner of a partition writes its rows; a process that has lost a partition cannot
    /// write for it, even if it was frozen. No state of a session is used, so the connections may go through a pooler in transaction mode
    /// (<c>Transaction Pooling=true</c>). Other programs see rows before their commit, and may read and write as PostgreSQL allows.
    /// </para>
    /// <para>
    /// As with <see cref="InStore"/>, a refused row fails its item only, and an invalid statement is refused at the start. While the server
    /// is away, items wait, <c>Problem</c> says so, and the commit is repeated until it succeeds. At the start the server must be there.
    /// </para>
    /// <para>
    /// If an existing key is no error, use <c>INSERT … ON CONFLICT DO NOTHING</c>: a statement that changes nothing is not undone. Each
    /// row is a statement of its own then, and a commit costs a fourth round trip.
    /// </para>
    /// <para>Connections are not shared with other sinks: one is used at a time.</para>
    /// </remarks>
    /// <param name="connection">
    /// The connection string, of the form <c>Host=…;Database=…;Username=…;Password=…</c>. It is never shown.
    /// </param>
    /// <param name="insert">
    /// One statement with parameters <c>$1</c>, <c>$2</c>…: INSERT, UPDATE, DELETE, MERGE, SELECT or WITH. It writes rows that
    /// <paramref name="delete"/> can undo: an <c>ON CONFLICT DO UPDATE</c> would lose the row that was there.
    /// </param>
    /// <param name="delete">
    /// The statement that undoes a row. It gets the same values and may omit the last ones: <c>DELETE FROM distance WHERE origin = $1 AND
    /// destination = $2</c>.
    /// </param>
    /// <param name="values">
    /// Returns the values of an item's row: see <see cref="PostgresWrites.Add"/>. An exception fails the item.
    /// </param>
    /// <param name="create">One statement to run at the start, <c>CREATE TABLE IF NOT EXISTS …</c>; null for none.</param>
    /// <param name="adopt">Whether to accept a database that was written with another store, instead of refusing it.</param>
    /// <exception cref="ArgumentException">
    /// The connection string is malformed, a statement is empty, or <paramref name="insert"/> or <paramref name="delete"/> is of another
    /// kind.
    /// </exception>
    public static Sink<T> InDatabase<T>(string connection, string insert, string delete, Func<T, object?[]> values, string? create = null,
        bool adopt = false)
    {
        (string text, PostgresStoreOptions options) = DataSources.Divide(connection, new() { MaxConnections = 3 });
        if (options.Schema != new PostgresStoreOptions().Schema)
            throw new ArgumentException("Schema= is a word of stores. Name the schema in the statements of the sink, or give Search Path=.",
                nameof(connection));
        return InDatabase(() => DataSources.Make(text, options), isOwn: true, text, insert, delete, values, create, adopt);
    }

    /// <summary>
    /// Creates a sink that writes rows into another PostgreSQL database, over your own connections. Everything else is as with
    /// <see cref="InDatabase{T}(string, string, string, Func{T, object[]}, string?, bool)"/>.
    /// </summary>
    /// <param name="source">
    /// The connections; the sink does not close them. Set <c>Cancellation Timeout=-1</c> if the server has synchronous standbys.
    /// </param>
    /// <param name="insert">The statement that writes a row.</param>
    /// <param name="delete">The statement that undoes a row, with the same values.</param>
    /// <param name="values">Returns the values of an item's row. An exception fails the item.</param>
    /// <param name="create">A statement to run at the start; null for none.</param>
    /// <param name="adopt">Whether to accept a database that was written with another store, instead of refusing it.</param>
    /// <exception cref="ArgumentException">
    /// A statement is empty, or <paramref name="insert"/> or <paramref name="delete"/> is of another kind.
    /// </exception>
    public static Sink<T> InDatabase<T>(NpgsqlDataSource source, string insert, string delete, Func<T, object?[]> values,
        string? create = null, bool adopt = false)
    {
        ArgumentNullException.ThrowIfNull(source);
        return InDatabase(() => source, isOwn: false, source.ConnectionString, insert, delete, values, create, adopt);
    }

    private static Sink<T> InDatabase<T>(Func<NpgsqlDataSource> connect, bool isOwn, string connection, string insert, string delete,
        Func<T, object?[]> values, string? create, bool adopt)
    {
        SinkStatement statement = Checked(insert, create);
        SinkStatement.Check(delete);
        StorePlace place = StorePlace.Of(connection, "");
        return Sink.Commit(Rows(statement, values), () => new PostgresDatabase(connect, isOwn, $"{place.Server}/{place.Database}",
            statement, delete, create, adopt), place.Database);
    }

    private static SinkStatement Checked(string insert, string? create)
    {
        SinkStatement.Check(insert);
        if (create is not null) ArgumentException.ThrowIfNullOrWhiteSpace(create);
        return new(insert);
    }

    private static Func<T, object?[]> Rows<T>(SinkStatement statement, Func<T, object?[]> values)
    {
        ArgumentNullException.ThrowIfNull(values);
        return Row;

        object?[] Row(T item)
        {
            object?[] row = values(item) ?? throw new InvalidOperationException(
                "The function of a sink returned null instead of the values of a row.");
            statement.CheckCount(row.Length);
            return SinkValues.Prepare(row);
        }
    }
}
