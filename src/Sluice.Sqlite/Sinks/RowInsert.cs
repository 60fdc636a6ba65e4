using System.Globalization;

namespace Sluice.Sqlite;

/// <summary>The statement that writes the row of an item: what makes rows and what writes them have it in common.</summary>
internal sealed class RowInsert(string sql)
{
    private volatile int places = -1;

    public string Sql => sql;

    /// <summary>How many values it takes; known, and set, when a sink has prepared it. The same in every database.</summary>
    public int Places
    {
        set => places = value;
    }

    /// <exception cref="ArgumentException">SQLite cannot keep one of the values, or there are more or fewer of them than places.</exception>
    public void Check(object?[] row)
    {
        RowValues.Check(row);
        if (places >= 0 && row.Length != places)
            throw new ArgumentException(string.Create(CultureInfo.InvariantCulture, $"The row has {row.Length} values, and the statement {places} places for them: {sql}"));
    }

    /// <summary>What a sink says that is given a statement which cannot be run.</summary>
    public static InvalidOperationException Refused(SinkState state, string sql, Exception failure)
        => new($"The sink {state.Node} of {state.Consecutor} cannot run its statement: {failure.Message}. Correct it, or give the statement that makes its table (create). The statement: {sql}", failure);
}
