using System.Data.Common;
using Sluice.Policies;
using Sluice.Producers;

namespace Sluice;

public static partial class Source
{
    /// <summary>
    /// A source of the rows of a query, in the order of an ascending key. It resumes at its stored position, and reads page by page, each
    /// page behind the last key: <c>SELECT id, amount FROM orders WHERE id &gt; @id ORDER BY id LIMIT @take</c>.
    /// </summary>
    /// <remarks>
    /// <para>
    /// In front of a consecutor, the key of an accepted row is stored with it. The query has a parameter for each column of the key, with
    /// its name, and <c>take</c>, the number of rows to return. It selects the columns of the key. No two rows may have the same key: if
    /// the first column is not unique, add another one (<c>WHERE (changed, id) &gt; (@changed, @id) ORDER BY changed, id</c>). A row that
    /// does not ascend is an error that names the row.
    /// </para>
    /// <para>
    /// A row is never seen if it becomes visible after a row with a greater key was accepted. Sequence numbers are assigned when a row is
    /// inserted, not when it is committed. If several transactions insert at the same time, exclude the youngest rows
    /// (<c>AND created &lt; now() - interval '1 minute'</c>), for longer than a transaction may take. A changed row is seen again only if
    /// its key grows; a deleted row is not noticed.
    /// </para>
    /// <para>Each page has its own connection, which is closed before the rows are emitted. If the database fails, the run fails; the next
    /// run resumes.</para>
    /// </remarks>
    /// <param name="name">The name under which the position is stored. One run at a time owns it.</param>
    /// <param name="connect">Makes a connection, open or closed: <c>() => new SqliteConnection(text)</c>, or
    /// <c>dataSource.CreateConnection</c>. The source disposes it.</param>
    /// <param name="sql">The query. Parameters are written as in the database: <c>@id</c>, <c>:id</c>, <c>$id</c>; or <c>?</c>, first the
    /// key, then <c>take</c>.</param>
    /// <param name="key">The columns of the key, the most significant first.</param>
    /// <param name="item">Makes an item of the reader's current row. If it throws, the source fails with an error that names the
    /// row.</param>
    /// <param name="options">The size of a page, and whether to wait for more rows.</param>
    /// <exception cref="ArgumentException">The query does not use a parameter, or the key is not allowed.</exception>
    public static Source<T> Query<T>(string name, Func<DbConnection> connect, string sql, IReadOnlyList<QueryKey> key,
        Func<DbDataReader, T> item, QueryOptions? options = null)
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
                throw new ArgumentException(
                    $"The query of '{name}' does not use its parameter @{parameter}. It takes the rows behind a key, so many at a time, "
                        + $"as in: SELECT id, … FROM orders WHERE id > @id ORDER BY id LIMIT @take.", nameof(sql));
        }
        return new ResumableSource<T>(name, Pump, StageOptions.Default);

        ResumablePump<T> Pump(StageContext context, Inlet<T> next)
        {
            var pages = new QueryPages<T>(name, connect, sql, keys, item, chosen);
            var pump = new ResumablePump<T>(context, next, name, "Source.Query",
                (position, _, cancellation) => pages.ReadAsync(position, cancellation))
            {
                Between = Between,
                ResumesBehind = true,
            };
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
