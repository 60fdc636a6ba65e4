using System.Globalization;

namespace Sluice.Sqlite;

/// <summary>The statement that inserts an item's row, shared by the function that makes rows and the sink that writes them.</summary>
internal sealed class RowInsert(string sql)
{
    private volatile int places = -1;

    public string Sql => sql;

    /// <summary>
    /// The number of the statement's parameters. A sink sets it once it has prepared the statement; it is the same in every database.
    /// </summary>
    public int Places
    {
        set => places = value;
    }

    /// <exception cref="ArgumentException">
    /// SQLite cannot store one of the values, or their number differs from the number of parameters.
    /// </exception>
    public void Check(object?[] row)
    {
        RowValues.Check(row);
        if (places >= 0 && row.Length != places)
            throw new ArgumentException(string.Create(CultureInfo.InvariantCulture,
                $"The row has {row.Length} values, and the statement {places} places for them: {sql}"));
    }

    /// <summary>The error of a sink whose statement is invalid.</summary>
    public static InvalidOperationException Refused(SinkState state, string sql, Exception failure)
        => new($"The sink {state.Node} of {state.Consecutor} cannot run its statement: {failure.Message}. Correct it, or give the "
        + $"statement that makes its table (create). The statement: {sql}", failure);
}
