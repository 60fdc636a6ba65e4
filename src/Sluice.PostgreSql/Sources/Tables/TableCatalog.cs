using System.Globalization;

namespace Sluice.PostgreSql.Sources;

/// <summary>Reads from the catalog what a table is, and refuses orders in which rows would be skipped.</summary>
internal sealed class TableCatalog(SourceServer server, string table, string[] after)
{
    private const string Find = """
        SELECT c.oid::bigint, quote_ident(n.nspname) || '.' || quote_ident(c.relname), c.relkind::text,
          has_table_privilege(c.oid, 'SELECT') OR has_any_column_privilege(c.oid, 'SELECT')
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = to_regclass($1)
        """;

    private const string Columns = """
        SELECT a.attname::text, format_type(a.atttypid, a.atttypmod), NOT a.attnotnull, a.attidentity = 'a',
          coalesce(q.seqrelid::bigint, 0),
          coalesce(q.seqcache, 1), coalesce(q.seqincrement, 1), coalesce(q.seqcycle, false),
          coalesce((SELECT pg_get_expr(x.adbin, x.adrelid) FROM pg_attrdef x WHERE x.adrelid = a.attrelid AND x.adnum = a.attnum), '')
        FROM pg_attribute a LEFT JOIN LATERAL (
          SELECT q.* FROM pg_sequence q JOIN pg_depend d ON
            (d.classid = 'pg_class'::regclass AND d.objid = q.seqrelid AND d.refclassid = 'pg_class'::regclass
              AND d.refobjid = a.attrelid AND d.refobjsubid = a.attnum AND d.deptype IN ('a', 'i'))
            OR (d.refclassid = 'pg_class'::regclass AND d.refobjid = q.seqrelid AND d.classid = 'pg_attrdef'::regclass
              AND d.objid IN (SELECT x.oid FROM pg_attrdef x WHERE x.adrelid = a.attrelid AND x.adnum = a.attnum)) LIMIT 1) q ON true
        WHERE a.attrelid = $1::bigint::oid AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum
        """;

    private const string Indexes = """
        SELECT i.indisunique AND i.indpred IS NULL, i.indisprimary, m.amname = 'btree' AND i.indpred IS NULL,
          (SELECT string_agg(coalesce(a.attname::text, ''), E'\x01' ORDER BY k) FROM generate_series(0, i.indnkeyatts - 1) k
            LEFT JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[k])
        FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid JOIN pg_am m ON m.oid = x.relam
        WHERE i.indrelid = $1::bigint::oid AND i.indisvalid
        """;

    private sealed record Column(FollowedColumn Followed, long Cache, long Increment, bool IsCycling, string Default);

    private sealed record Index(bool IsUnique, bool IsPrimary, bool IsOrdered, string[] Columns);

    public async Task<TableShape> ReadAsync(NpgsqlConnection connection, CancellationToken cancellation)
    {
        (long id, string name) = await FindAsync(connection, cancellation).ConfigureAwait(false);
        List<Column> columns = await RowsAsync(connection, Columns, id, static row => new Column(new(row.GetString(0), row.GetString(1),
            row.GetBoolean(2), row.GetBoolean(3), row.GetInt64(4)), row.GetInt64(5), row.GetInt64(6), row.GetBoolean(7), row.GetString(8)),
            cancellation).ConfigureAwait(false);
        List<Index> indexes = await RowsAsync(connection, Indexes, id, static row => new Index(row.GetBoolean(0), row.GetBoolean(1),
            row.GetBoolean(2), row.GetString(3).Split('\x01')), cancellation).ConfigureAwait(false);

        List<Column> order = [.. after.Select(column => Named(columns, name, column))];
        bool isUnique = IsUnique(order, indexes);
        CheckFirst(order[0], isUnique || after.Length > 1);
        if (!isUnique) AddKey(order, columns, indexes);
        string first = order[0].Followed.Name;
        if (!indexes.Exists(index => index.IsOrdered && index.Columns[0] == first))
            server.WarnOnce($"the table {name} has no index that begins with the column {first}: each look reads the whole table. "
                + $"CREATE INDEX CONCURRENTLY ON {name} "
                + $"({string.Join(", ", order.Select(static column => FollowedColumn.Identifier(column.Followed.Name)))}).");
        return new(id, name, [.. order.Select(static column => column.Followed)]);
    }

    private async Task<(long Id, string Name)> FindAsync(NpgsqlConnection connection, CancellationToken cancellation)
    {
        await using NpgsqlCommand command = connection.CreateCommand();
        command.CommandText = Find;
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = table });
        await using NpgsqlDataReader row = await command.ExecuteReaderAsync(cancellation).ConfigureAwait(false);
        if (!await row.ReadAsync(cancellation).ConfigureAwait(false)) throw Fault(
            $"there is no table {table} in the database {connection.Database}, or the user may not see its schema. Write its schema and "
                + "name as in SQL: shop.orders, or \"Orders\" with capital letters.");
        string kind = row.GetString(2), name = row.GetString(1);
        if (kind is not ("r" or "p")) throw Fault(
            $"{name} is not a table. The transactions that write to a view cannot be seen: follow the table under it.");
        if (!row.GetBoolean(3)) throw Fault($"the user may not read the table {name}: GRANT SELECT ON {name} TO the user.");
        return (row.GetInt64(0), name);
    }

    private static async Task<List<TRow>> RowsAsync<TRow>(NpgsqlConnection connection, string sql, long id,
        Func<NpgsqlDataReader, TRow> read,
        CancellationToken cancellation)
    {
        await using NpgsqlCommand command = connection.CreateCommand();
        command.CommandText = sql;
        command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = id });
        await using NpgsqlDataReader rows = await command.ExecuteReaderAsync(cancellation).ConfigureAwait(false);
        List<TRow> all = [];
        while (await rows.ReadAsync(cancellation).ConfigureAwait(false)) all.Add(read(rows));
        return all;
    }

    private Column Named(List<Column> columns, string name, string column)
        => columns.Find(known => known.Followed.Name == column) ?? throw Fault(
            $"the table {name} has no column '{column}', but {string.Join(", ", columns.Select(static known => known.Followed.Name))}.");

    private static bool IsUnique(List<Column> order, List<Index> indexes) => indexes.Exists(index => index.IsUnique
        && index.Columns.All(name => order.Exists(column => column.Followed.Name == name)));

    private void AddKey(List<Column> order, List<Column> columns, List<Index> indexes)
    {
        Index? key = indexes.Find(static index => index.IsPrimary);
        if (key is null) throw Fault(
            $"rows may have the same {string.Join(", ", order.Select(static column => column.Followed.Name))}, and the table has no "
                + "primary "
                + "key that would give them an order. Add a primary key or a unique index, or name further columns.");
        order.AddRange(key.Columns.Where(name => !order.Exists(column => column.Followed.Name == name))
            .Select(name => columns.First(column => column.Followed.Name == name)));
    }

    private void CheckFirst(Column first, bool isOrdered)
    {
        (string name, string type) = (first.Followed.Name, first.Followed.Type);
        if (first.Cache > 1) throw Fault(
            $"the sequence of the column '{name}' has CACHE {first.Cache.ToString(CultureInfo.InvariantCulture)}: a connection may use a "
                + "lower number long after another one has used a higher one. ALTER SEQUENCE … CACHE 1.");
        if (first.Increment < 0 || first.IsCycling) throw Fault(
            $"the sequence of the column '{name}' counts down or starts again (CYCLE): its numbers do not increase.");
        if (first.Default.Contains("gen_random_uuid", StringComparison.Ordinal)
            || first.Default.Contains("uuid_generate_v4", StringComparison.Ordinal))
            throw Fault($"the values of '{name}' are random ({first.Default}), and rows are followed by a value that increases.");
        if (!isOrdered && (type.StartsWith("date", StringComparison.Ordinal) || IsCoarse(type))) throw Fault(
            $"the column '{name}' is a {type}: many rows share a value, and a later one of them may have a lower primary key. "
                + "Take a column of type timestamptz or a number, or name a second column that increases.");
        if (type.StartsWith("time ", StringComparison.Ordinal) || type is "boolean") throw Fault(
            $"the column '{name}' is a {type}, whose values do not increase for long.");
        if (type == "timestamp without time zone") server.WarnOnce(
            $"the column '{name}' is a {type}. If its values are local times, those of an hour are repeated each autumn, and the rows with "
                + "such a value are skipped: use timestamptz, or values in UTC.");
        if (type is "text" or "uuid" or "bytea" || type.StartsWith("character", StringComparison.Ordinal)) server.WarnOnce(
            $"the column '{name}' is a {type}. A row is skipped if its value is lower than the value of a row that was read before: make "
                + "sure that the values increase.");
    }

    /// <summary>Whether a time has fewer digits than the server's clock.</summary>
    private static bool IsCoarse(string type) => type.StartsWith("timestamp(", StringComparison.Ordinal) && type[10] != '6';

    private InvalidDataException Fault(string text) => new($"The producer '{server.Name}' cannot follow its table: {text}");
}
