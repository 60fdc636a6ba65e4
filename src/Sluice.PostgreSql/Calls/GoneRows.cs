namespace Sluice.PostgreSql;

/// <summary>
/// The rows of removed streams and groups. Removing a stream or a group deletes its own row at once, so that nobody finds it; what it had
/// is deleted later, a limited number of rows in each transaction. Ids are never used again.
/// </summary>
internal static class GoneRows
{
    public const int Stream = 1, Group = 2;

    private const int MaxRows = 500, MaxBytes = 64 << 20;

    private static readonly (string Table, string Column, string Size)[] OfStream =
        [("chunk", "stream", "octet_length(body)"), ("producer", "stream", "octet_length(position)"),
        ("intake", "stream", "octet_length(body)")];

    private static readonly (string Table, string Column, string Size)[] OfGroup = [("waiting", "grp", "octet_length(body)"),
        ("dead", "grp", "octet_length(body)"), ("state", "grp", "octet_length(value)"), ("file", "grp", "1"),
        ("member", "grp", "1")];

    /// <summary>Notes what was removed.</summary>
    public static NpgsqlBatchCommand Note(Sql sql, int kind, long id)
        => sql.Command("INSERT INTO ~gone(kind, id) VALUES ($1, $2)").With(kind).With(id);

    /// <summary>Deletes a portion of the rows, in a transaction of its own.</summary>
    /// <returns>Whether there may be more.</returns>
    public static async Task<bool> DeleteSomeAsync(NpgsqlConnection connection, Sql sql, CancellationToken cancellation)
    {
        await using NpgsqlBatch begin = connection.CreateBatch();
        begin.BatchCommands.Add(new(Sql.Begin));
        begin.BatchCommands.Add(new(sql.Frozen));
        // Processes share the work.
        begin.BatchCommands.Add(sql.Command("SELECT kind, id FROM ~gone ORDER BY kind, id LIMIT 1 FOR UPDATE SKIP LOCKED"));
        (int Kind, long Id)? gone = null;
        await using (NpgsqlDataReader rows = await begin.ExecuteReaderAsync(cancellation).ConfigureAwait(false))
            if (await rows.ReadAsync(cancellation).ConfigureAwait(false)) gone = (rows.GetInt32(0), rows.GetInt64(1));
        int left = MaxRows;
        if (gone is { } one)
            foreach ((string table, string column, string size) in one.Kind == Stream ? OfStream : OfGroup)
                if (left == MaxRows)                 // a portion is of one table
                    left -= await DeleteAsync(table, column, size, one.Id).ConfigureAwait(false);
        await using NpgsqlBatch end = connection.CreateBatch();
        if (gone is { } empty && left == MaxRows)
            end.BatchCommands.Add(sql.Command("DELETE FROM ~gone WHERE kind = $1 AND id = $2").With(empty.Kind).With(empty.Id));
        if (gone is null)                            // a transaction that had sent to a removed stream has committed since
            end.BatchCommands.Add(sql.Command("DELETE FROM ~intake WHERE (stream, xid, id) IN (SELECT i.stream, i.xid, i.id FROM ~intake i "
                + "WHERE NOT EXISTS (SELECT FROM ~stream s WHERE s.id = i.stream) LIMIT $1)").With(MaxRows));
        end.BatchCommands.Add(new("COMMIT"));
        await end.ExecuteNonQueryAsync(cancellation).ConfigureAwait(false);
        return gone is not null;

        async Task<int> DeleteAsync(string table, string column, string size, long id)
        {
            await using NpgsqlBatch batch = connection.CreateBatch();
            batch.BatchCommands.Add(sql.Command($"DELETE FROM ~{table} WHERE ctid = ANY(ARRAY(SELECT a.place FROM (SELECT b.place, "
                + $"sum(b.bytes) OVER (ROWS UNBOUNDED PRECEDING) - b.bytes AS bytes FROM (SELECT ctid AS place, {size}::bigint AS bytes "
                + $"FROM ~{table} WHERE {column} = $1 LIMIT $2) b) a WHERE a.bytes < $3))").With(id).With(MaxRows).With((long)MaxBytes));
            return await batch.ExecuteNonQueryAsync(cancellation).ConfigureAwait(false);
        }
    }
}
