namespace Sluice.PostgreSql.Sources;

/// <summary>Reads pages of rows, each behind the last row of the page before.</summary>
internal sealed class TablePages<T>(SourceServer server, TableShape shape, TimeSpan minAge, Func<NpgsqlDataReader, T> item,
    PostgresTableOptions options)
{
    /// <param name="Values">The values of the columns of the order.</param>
    /// <param name="Item">The item.</param>
    /// <param name="IsFrom">Whether it is the row that the page was to begin with.</param>
    public readonly record struct Row(string[] Values, T Item, bool IsFrom);

    /// <returns>The rows, and the failure behind the last of them.</returns>
    public async Task<(List<Row> Rows, Exception? Failure)> ReadAsync(NpgsqlConnection connection, string[]? behind, bool isIncluded,
        string[] bound, CancellationToken cancellation)
    {
        int columns = shape.Columns.Count;
        string from = behind is null ? "" : $"({shape.List()}) {(isIncluded ? ">=" : ">")} ({shape.Values(1)}) AND ";
        await using NpgsqlBatch batch = connection.CreateBatch();
        batch.BatchCommands.Add(TableLooker.Formats());
        // Compared by the server: the text of a time depends on the session.
        string isFrom = isIncluded ? $"({shape.List()}) = ({shape.Values(1)})" : "false";
        NpgsqlBatchCommand command = new($"SELECT t.*, {shape.List("::text")}, {isFrom} FROM {shape.Name} t WHERE {from}"
            + $"({shape.List()}) <= ({shape.Values(1 + (behind?.Length ?? 0))}){shape.IsReadable(minAge)} "
            + $"ORDER BY {shape.List()} LIMIT {options.MaxPageRows.ToString(CultureInfo.InvariantCulture)}");
        TableLooker.Add(command, behind);
        TableLooker.Add(command, bound);
        batch.BatchCommands.Add(command);
        await using NpgsqlDataReader reader = await batch.ExecuteReaderAsync(cancellation).ConfigureAwait(false);
        await reader.NextResultAsync(cancellation).ConfigureAwait(false);
        List<Row> rows = [];
        int key = reader.FieldCount - columns - 1;
        while (await reader.ReadAsync(cancellation).ConfigureAwait(false))
        {
            var values = new string[columns];
            for (int i = 0; i < columns; i++) values[i] = reader.GetString(key + i);
            try
            {
                rows.Add(new(values, item(reader), reader.GetBoolean(key + columns)));
            }
            catch (Exception e) when (e is not NpgsqlException)
            {
                return (rows, new InvalidDataException(
                    $"The producer '{server.Name}' could make no item of the row of {shape.Name} with {shape.Describe(values)}: "
                        + $"{e.Message}",
                    e));
            }
        }
        return (rows, null);
    }

    /// <summary>Whether a row is there.</summary>
    public async Task<bool> HasAsync(NpgsqlConnection connection, string[] values, CancellationToken cancellation)
    {
        await using NpgsqlBatch batch = connection.CreateBatch();
        NpgsqlBatchCommand command = new($"SELECT EXISTS (SELECT FROM {shape.Name} t WHERE ({shape.List()}) = ({shape.Values(1)}))");
        TableLooker.Add(command, values);
        batch.BatchCommands.Add(command);
        return (bool)(await batch.ExecuteScalarAsync(cancellation).ConfigureAwait(false))!;
    }
}
