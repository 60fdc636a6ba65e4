using System.Data.Common;

namespace Sluice.Producers;

/// <summary>Reads the rows of a query page by page, each page from the key of the last row before it. For one run.</summary>
/// <remarks>
/// A page is read to its end, and its connection closed, before its rows are emitted: no database lock is held while the pipeline works.
/// </remarks>
internal sealed class QueryPages<T>(string name, Func<DbConnection> connect, string sql, RowKeys keys, Func<DbDataReader, T> item,
    QueryOptions options)
{
    private const int MaxShown = 200;

    private DbConnection? disposed;                  // of the page before

    private readonly record struct Row(object[] Key, byte[] Position, T Item);

    /// <summary>Called if the row to resume with is gone. Set it before the first read.</summary>
    public Action RowIsGone { get; set; } = static () => { };

    public async IAsyncEnumerable<WithPosition<T>> ReadAsync(ReadOnlyMemory<byte> position,
        [EnumeratorCancellation] CancellationToken cancellation)
    {
        (object[] after, object[]? partly) = keys.FromPosition(position, name);
        while (true)
        {
            (List<Row> page, Exception? failure) = await PageAsync(after, cancellation);
            int first = 0;
            if (partly is not null)
            {
                // Rows that have appeared before it come too late, as they would within one run.
                first = page.FindIndex(row => keys.Compare(row.Key, partly) >= 0);
                if (first < 0 && failure is not null) throw failure;
                if (first < 0 && page.Count > 0)
                {
                    after = page[^1].Key;
                    continue;
                }
                if (first < 0 || keys.Compare(page[first].Key, partly) > 0) RowIsGone();
                first = Math.Max(0, first);
                partly = null;
            }
            foreach (Row row in page.Skip(first))
            {
                yield return new(row.Item, row.Position);
                after = row.Key;
            }
            if (failure is not null) throw failure;
            if (page.Count > 0) continue;
            if (options.PollInterval is not { } poll) yield break;
            await Task.Delay(poll, options.Time, cancellation);
        }
    }

    /// <returns>The rows, and the error behind the last of them.</returns>
    private async Task<(List<Row> Rows, Exception? Failure)> PageAsync(object[] after, CancellationToken cancellation)
    {
        List<Row> rows = [];
        bool isAgain = false;
        try
        {
            await using DbConnection connection = connect()
                ?? throw new InvalidOperationException("the function that connects returned null");
            isAgain = connection == disposed;
            disposed = connection;
            if (connection.State != System.Data.ConnectionState.Open) await connection.OpenAsync(cancellation);
            await using DbCommand command = CommandFor(connection, after);
            await using DbDataReader result = await command.ExecuteReaderAsync(cancellation);
            int[] places = keys.PlacesIn(result);
            while (await result.ReadAsync(cancellation))
            {
                rows.Add(ReadRow(result, places, after));
                after = rows[^1].Key;
            }
            return (rows, null);
        }
        catch (Exception) when (cancellation.IsCancellationRequested)
        {
            throw new OperationCanceledException(cancellation);
        }
        catch (Exception e)
        {
            string where = ReferenceEquals(after, keys.Start) ? "from its start" : $"behind the row with {keys.Describe(after)}";
            string hint = isAgain ? " The function that connects has returned a connection again that the source has disposed: let it make "
                + "a new one for each page." : e is DbException ? $" It is: {Shortened(sql)}" : "";
            return (rows, new InvalidDataException($"The query of '{name}' fails {where}: {e.Message}{hint}", e));
        }
    }

    private DbCommand CommandFor(DbConnection connection, object[] after)
    {
        DbCommand command = connection.CreateCommand();
        command.CommandText = sql;
        for (int i = 0; i < after.Length; i++) Add(command, keys.Columns[i].Name, after[i]);
        Add(command, KeyColumn.Take, options.MaxPageRows);
        options.Configure?.Invoke(command);
        return command;
    }

    private static void Add(DbCommand command, string parameterName, object value)
    {
        DbParameter parameter = command.CreateParameter();
        (parameter.ParameterName, parameter.Value) = (parameterName, value);
        command.Parameters.Add(parameter);
    }

    private Row ReadRow(DbDataReader result, int[] places, object[] before)
    {
        object[] key = keys.Read(result, places);
        if (keys.Compare(key, before) <= 0)
        {
            string columns = string.Join(", ", keys.Columns.Select(static column => column.Name));
            throw new InvalidDataException(
                $"the next row has {keys.Describe(key)}, and rows must ascend by their key, so that it can go on behind each of them. "
                    + $"Take only what is greater than the parameters, sort by ({columns}) in this order, "
                + "and add a column to the key if there are rows that have the same.");
        }
        byte[] position = keys.ToPosition(key);
        if (!RowKeys.Fits(position)) throw new InvalidDataException(
            $"the next row has {keys.Describe(key)}, which is {position.Length:N0} bytes with its names: too long to be stored with each "
                + $"item. Take a shorter key.");
        try
        {
            return new(key, position, item(result));
        }
        catch (Exception e)
        {
            throw new InvalidDataException($"no item could be made of the row with {keys.Describe(key)}: {e.Message}", e);
        }
    }

    private static string Shortened(string text) => text.Length > MaxShown ? text[..MaxShown] + "…" : text;
}
