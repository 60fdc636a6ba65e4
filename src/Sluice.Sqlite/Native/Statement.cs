using SQLitePCL;

namespace Sluice.Sqlite;

/// <summary>
/// A prepared statement of the raw provider: bind values in order, then run it. Used by the connection's thread, for one use at a time.
/// <see cref="Database.ResetAll"/> ends a use that an exception interrupted.
/// </summary>
internal sealed class Statement(Database database, sqlite3_stmt handle, bool needsTransaction) : IDisposable
{
    private int put;
    private bool isUsed, isStepping;

    public Statement Put(long value)
    {
        Begin();
        return Check(raw.sqlite3_bind_int64(handle, ++put, value));
    }

    public Statement Put(long? value) => value is { } some ? Put(some) : PutNull();

    public Statement Put(double value)
    {
        Begin();
        return Check(raw.sqlite3_bind_double(handle, ++put, value));
    }

    public Statement Put(string? value)
    {
        if (value is null) return PutNull();
        Begin();
        return Check(raw.sqlite3_bind_text(handle, ++put, value));
    }

    public Statement Put(ReadOnlySpan<byte> value)
    {
        Begin();
        return Check(value.IsEmpty ? raw.sqlite3_bind_zeroblob(handle, ++put, 0) : raw.sqlite3_bind_blob(handle, ++put, value));
    }

    public Statement PutNull()
    {
        Begin();
        return Check(raw.sqlite3_bind_null(handle, ++put));
    }

    /// <summary>Reuses the first bound values of the last use.</summary>
    public Statement PutAgain(int count)
    {
        Begin();
        put = count;
        return this;
    }

    public int Parameters => raw.sqlite3_bind_parameter_count(handle);

    /// <summary>Runs a statement without results.</summary>
    public void Run()
    {
        while (Next())
        {
        }
    }

    /// <summary>Moves to the next row, initially the first. A caller that stops before the end calls <see cref="Reset"/>.</summary>
    public bool Next()
    {
        if (needsTransaction && !isStepping && !database.IsInTransaction)
            throw new InvalidOperationException(
                $"A defect of the store: it was about to change something outside of a "
                    + $"transaction ({raw.sqlite3_sql(handle).utf8_to_string()}).");
        (isUsed, isStepping) = (true, true);
        int result = raw.sqlite3_step(handle);
        if (result == raw.SQLITE_ROW) return true;
        if (result != raw.SQLITE_DONE)
        {
            SqliteFailure failure = database.Failure(result);
            Reset();
            throw failure;
        }
        Reset();
        return false;
    }

    public long Long(int column) => raw.sqlite3_column_int64(handle, column);
    public int Int(int column) => raw.sqlite3_column_int(handle, column);
    public bool IsNull(int column) => raw.sqlite3_column_type(handle, column) == raw.SQLITE_NULL;
    public long? LongOrNull(int column) => IsNull(column) ? null : Long(column);
    public string Text(int column) => raw.sqlite3_column_text(handle, column).utf8_to_string() ?? "";
    public string? TextOrNull(int column) => IsNull(column) ? null : Text(column);
    public byte[] Bytes(int column) => Span(column).ToArray();

    /// <summary>All columns of the present row.</summary>
    public object?[] Row()
    {
        var values = new object?[raw.sqlite3_column_count(handle)];
        for (int i = 0; i < values.Length; i++)
            values[i] = raw.sqlite3_column_type(handle, i) switch
            {
                raw.SQLITE_INTEGER => Long(i),
                raw.SQLITE_FLOAT => raw.sqlite3_column_double(handle, i),
                raw.SQLITE_TEXT => Text(i),
                raw.SQLITE_BLOB => Bytes(i),
                _ => null,
            };
        return values;
    }

    /// <summary>The bytes of a column; valid until the statement moves on.</summary>
    public ReadOnlySpan<byte> Span(int column) => raw.sqlite3_column_blob(handle, column);

    public void Reset()
    {
        if (!isUsed) return;
        raw.sqlite3_reset(handle);
        (put, isUsed, isStepping) = (0, false, false);
    }

    public void Dispose() => handle.Dispose();

    private void Begin()
    {
        if (isStepping) Reset();
        isUsed = true;
    }

    private Statement Check(int result) => result == raw.SQLITE_OK ? this : throw database.Failure(result);
}
