using Sluice.PostgreSql.Sources;

namespace Sluice.PostgreSql;

/// <summary>Sources that follow tables of a PostgreSQL database.</summary>
public static partial class PostgresSource
{
    /// <summary>
    /// A source of the rows of a growing table, in the order of a column that increases: a sequence number, or a time that the server
    /// sets. It follows the table until it is stopped, and resumes behind the last accepted row.
    /// </summary>
    /// <remarks>
    /// <para>
    /// A row with a lower number may be committed after a row with a higher one. So the source reads up to a row only when every
    /// transaction that was open when it saw that row has ended: no row is skipped. For <c>GENERATED ALWAYS AS IDENTITY</c> it waits only
    /// for transactions that write to the table, otherwise for all transactions of the database
    /// (<see cref="PostgresTableOptions.IsAssignedByInsert"/>). A transaction that stays open holds up the source, which warns and goes on
    /// when it ends. A row whose first column is a time is read a second after it: PostgreSQL takes the time of a transaction a moment
    /// before others can see that it is open. A time in the future is read when it has come.
    /// </para>
    /// <para>
    /// Values that a client assigns before its transaction (HiLo blocks, its own clock, rows that another server replicates) may arrive
    /// after higher ones, and are skipped then. Use <see cref="Changes{T}"/> for such tables. A changed row is seen again only if its value
    /// grows. A deleted row is not noticed. A row without a value is passed over until it has one.
    /// </para>
    /// <para>If the server is away, the source warns and tries again. A position belongs to one table: a table that was dropped, created
    /// again, replaced or renumbered fails the run with a message that says so.</para>
    /// </remarks>
    /// <param name="name">The name under which the position is stored. One run at a time owns it.</param>
    /// <param name="database">Connections to the primary; the user needs <c>SELECT</c> on the table. Not disposed.</param>
    /// <param name="table">The table, as it is written in SQL: <c>orders</c>, <c>shop.orders</c>, <c>"Orders"</c>.</param>
    /// <param name="after">The column whose values increase, or several with commas between them, the most significant first:
    /// <c>created, id</c>. If they are not unique, the columns of the primary key follow.</param>
    /// <param name="item">Makes an item of the reader's current row, which has the columns of the table. An exception fails the run with a
    /// message that names the row.</param>
    /// <param name="options">Options.</param>
    /// <exception cref="ArgumentException">A name is empty.</exception>
    public static Source<T> Table<T>(string name, NpgsqlDataSource database, string table, string after, Func<NpgsqlDataReader, T> item,
        PostgresTableOptions? options = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        ArgumentNullException.ThrowIfNull(database);
        ArgumentException.ThrowIfNullOrWhiteSpace(table);
        ArgumentException.ThrowIfNullOrWhiteSpace(after);
        ArgumentNullException.ThrowIfNull(item);
        string[] columns = [.. after.Split(',', StringSplitOptions.TrimEntries)];
        if (Array.Exists(columns, static column => column.Length == 0))
            throw new ArgumentException($"'{after}' has an empty column name. Write it as in ORDER BY: created, id.", nameof(after));
        var server = new SourceServer(name, database, options?.OnWarning, options?.Time ?? TimeProvider.System);
        return Source.Acknowledged(name, "PostgresSource.Table", (progress, cancellation) =>
            new TableFollower<T>(server.Copy(), table, columns, item, options ?? new()).ReadAsync(progress, cancellation));
    }
}
