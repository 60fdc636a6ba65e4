using System.Data.Common;

namespace Sluice;

public static partial class Source
{
    /// <summary>
    /// The rows of a query, in the order of a key that ascends; in front of a consecutor going on behind the last one accepted. Reads by pages, each of them behind the key of the row before:
    /// <c>SELECT id, amount FROM orders WHERE id &gt; @id ORDER BY id LIMIT @take</c>.
    /// </summary>
    /// <remarks>
    /// <para>
    /// The query has one parameter for each column of the key, of its name, and <c>take</c>, which is how many rows it may return. It selects the columns of the key. No two rows have the same key: where the first column
    /// does not tell them apart, add another one (<c>WHERE (changed, id) &gt; (@changed, @id) ORDER BY changed, id</c>). What does not ascend is an error that names the row.
    /// </para>
    /// <para>
    /// A row that becomes visible when one with a greater key was accepted already is never seen. Numbers of a sequence are given when a row is inserted, not when it is committed: where several transactions insert at the
    /// same time, leave the youngest rows out (<c>AND created &lt; now() - interval '1 minute'</c>, longer than a transaction may take). Rows that are changed are seen again only if their key grows with it;
    /// rows that are deleted are not noticed.
    /// </para>
    /// <para>Each page has a connection of its own, given back before its rows are handed on. If the database fails, the run does; the next one goes on.</para>
    /// </remarks>
    /// <param name="name">Its name; its position is found again by it. One run at a time has it.</param>
    /// <param name="connect">Makes a connection, open or closed: <c>() => new SqliteConnection(text)</c>, or <c>dataSource.CreateConnection</c>. It is disposed of after use.</param>
    /// <param name="sql">The query. Parameters have the marks of the database: <c>@id</c>, <c>:id</c>, <c>$id</c>; or <c>?</c>, first the key, then <c>take</c>.</param>
    /// <param name="key">The columns of the key, the most significant first, each with the value that the first row is behind.</param>
    /// <param name="item">Makes an item of the row that the reader is at. If it throws, the source fails with an error that names the row.</param>
    /// <param name="options">How many rows at once, and whether to wait for more.</param>
    /// <exception cref="ArgumentException">A parameter is not in the query, or the key cannot be meant.</exception>
    public static Source<T> Query<T>(string name, Func<DbConnection> connect, string sql, IReadOnlyList<QueryKey> key, Func<DbDataReader, T> item, QueryOptions? options = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        ArgumentNullException.ThrowIfNull(connect);
        ArgumentException.ThrowIfNullOrWhiteSpace(sql);
        ArgumentNullException.ThrowIfNull(key);
        ArgumentNullException.ThrowIfNull(item);
        QueryOptions chosen = options ?? new();
        var keys = new RowKeys(key, chosen.TextOrder);
        foreach (string parameter in (string[])[.. keys.Columns.Select(static column => column.Name), KeyColumn.Take])
        {
            if (!Uses(sql, parameter))
                throw new ArgumentException($"The query of '{name}' does not use its parameter @{parameter}. It takes the rows behind a key, so many at a time, as in: SELECT id, … FROM orders WHERE id > @id ORDER BY id LIMIT @take.", nameof(sql));
        }
        return new ResumableSource<T>(name, Pump, StageOptions.Default);

        ResumablePump<T> Pump(StageContext context, Inlet<T> next)
        {
            var pages = new QueryPages<T>(name, connect, sql, keys, item, chosen);
            var pump = new ResumablePump<T>(context, next, name, "Source.Query", pages.ReadAsync) { Between = Between };
            pages.RowIsGone = pump.PassOverItem;
            return pump;
        }

        ReadOnlyMemory<byte> Between(ReadOnlyMemory<byte> before, ReadOnlyMemory<byte> behind)
            => keys.ToPosition(keys.FromPosition(before, name).After, keys.FromPosition(behind, name).After);
    }

    private static bool Uses(string sql, string parameter)
    {
        if (sql.Contains('?', StringComparison.Ordinal)) return true;
        for (int at = 0; (at = sql.IndexOf(parameter, at, StringComparison.OrdinalIgnoreCase)) >= 0; at += parameter.Length)
        {
            int end = at + parameter.Length;
            bool isWhole = end == sql.Length || !(char.IsLetterOrDigit(sql[end]) || sql[end] == '_');
            if (isWhole && at > 0 && sql[at - 1] is ('@' or ':' or '$')) return true;
        }
        return false;
    }
}
