namespace Sluice.PostgreSql;

/// <summary>The values of a row, in PostgreSQL's text form. Immutable, thread-safe.</summary>
public sealed class PostgresRow
{
    private readonly string[] columns;
    private readonly string?[] values;
    private readonly bool[]? unchanged;

    internal PostgresRow(string[] columns, string?[] values, bool[]? unchanged = null)
        => (this.columns, this.values, this.unchanged) = (columns, values, unchanged);

    /// <summary>The names of the columns, in their order.</summary>
    public IReadOnlyList<string> Columns => columns;

    /// <summary>The value of a column as text; null if it is NULL.</summary>
    /// <exception cref="ArgumentException">The row has no such column.</exception>
    /// <exception cref="InvalidOperationException">The value was not sent: see <see cref="IsUnchanged"/>.</exception>
    public string? this[string column]
    {
        get
        {
            int at = IndexOf(column);
            return unchanged?[at] == true ? throw new InvalidOperationException(
                $"The value of the column '{column}' is long, has not changed, and so was not sent. Look at IsUnchanged first; or set "
                    + "REPLICA IDENTITY FULL, and read OldRow.") : values[at];
        }
    }

    /// <summary>The value of a column, converted as culture-invariant text: <c>row.Get&lt;long&gt;("id")</c>.</summary>
    /// <remarks>A <see cref="DateTime"/> of a <c>timestamptz</c> is in UTC, whatever the time zone of the process. A
    /// <see cref="DateTimeOffset"/> of a <c>timestamp</c>, which has no zone, is one of UTC.</remarks>
    /// <exception cref="ArgumentException">The row has no such column.</exception>
    /// <exception cref="InvalidOperationException">The value is NULL, or was not sent.</exception>
    /// <exception cref="FormatException">The text is no such value.</exception>
    public T Get<T>(string column) where T : IParsable<T>
    {
        string text = this[column] ?? throw new InvalidOperationException($"The value of the column '{column}' is NULL.");
        if (typeof(T) == typeof(bool)) text = text switch { "t" => "true", "f" => "false", _ => text };
        try
        {
            // A timestamptz has an offset, and a timestamp has none: as local times, they would depend on the time zone of this process.
            if (typeof(T) == typeof(DateTime))
                return (T)(object)DateTime.Parse(text, CultureInfo.InvariantCulture, DateTimeStyles.AdjustToUniversal);
            if (typeof(T) == typeof(DateTimeOffset))
                return (T)(object)DateTimeOffset.Parse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal);
            return T.Parse(text, CultureInfo.InvariantCulture);
        }
        catch (Exception e) when (e is FormatException or OverflowException)
        {
            throw new FormatException($"The value '{text}' of the column '{column}' is no {TypeNames.Of(typeof(T))}.", e);
        }
    }

    /// <summary>Whether the value of a column was not sent, because it is stored apart from the row (TOAST) and has not changed.</summary>
    /// <exception cref="ArgumentException">The row has no such column.</exception>
    public bool IsUnchanged(string column) => unchanged?[IndexOf(column)] == true;

    private int IndexOf(string column) => Array.IndexOf(columns, column) is >= 0 and int at ? at : throw new ArgumentException(
        $"The row has no column '{column}', but {string.Join(", ", columns)}.", nameof(column));
}
