namespace Sluice.PostgreSql.Sources;

/// <summary>A column of the order in which a table is followed. <c>Sequence</c> is the id of its sequence, or zero.</summary>
internal sealed record FollowedColumn(string Name, string Type, bool IsNullable, bool IsIdentityAlways, long Sequence)
{
    /// <summary>The column of the alias t.</summary>
    public string Quoted { get; } = "t." + Identifier(Name);

    public bool IsDate => Type == "date";

    /// <summary>Whether a value names a moment, whatever the time zone of the session that writes it.</summary>
    public bool IsMoment => Type.EndsWith("with time zone", StringComparison.Ordinal);

    public bool IsTime => IsDate || Type.StartsWith("timestamp", StringComparison.Ordinal);

    /// <summary>Whether numbers that come later are smaller than this one, and so are skipped.</summary>
    public bool IsAboveNumbers(string value) => value is "NaN" or "Infinity"
        && (Type is "real" or "double precision" || Type.StartsWith("numeric", StringComparison.Ordinal));

    public static string Identifier(string name) => $"\"{name.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";
}

/// <summary>A table as it was when a run began: its id, its name, and the columns that give the order.</summary>
internal sealed record TableShape(long Id, string Name, IReadOnlyList<FollowedColumn> Columns)
{
    public FollowedColumn First => Columns[0];

    /// <summary>The columns, separated by commas, each with something after it.</summary>
    public string List(string suffix = "") => string.Join(", ", Columns.Select(column => column.Quoted + suffix));

    /// <summary>Parameters from a number on, converted to the types of the columns.</summary>
    public string Values(int first)
        => string.Join(", ", Columns.Select((column, at) => $"${(first + at).ToString(CultureInfo.InvariantCulture)}::{column.Type}"));

    /// <summary>A condition that excludes rows without a value, and times that have not come.</summary>
    public string IsReadable(TimeSpan minAge)
    {
        string condition = string.Concat(Columns.Where(static column => column.IsNullable)
            .Select(static column => $" AND {column.Quoted} IS NOT NULL"));
        return First.IsTime ? $"{condition} AND {First.Quoted} <= {Now(minAge)}" : condition;
    }

    /// <summary>
    /// The time up to which rows are read. PostgreSQL does not know the zone of a time without one: the later one counts of the session's
    /// time and UTC. A date counts from the session's midnight: with the later one of two midnights, rows of today would come behind one
    /// of tomorrow. A subquery, which the server computes once: compared with the clock itself, it would read all later rows, and
    /// use no index.
    /// </summary>
    public string Now(TimeSpan minAge)
    {
        string age = minAge.TotalSeconds.ToString("F6", CultureInfo.InvariantCulture);
        string now = $"(clock_timestamp() - interval '{age} seconds')";
        if (First.IsDate) return $"(SELECT {now}::date)";
        return First.IsMoment ? $"(SELECT {now})"
            : $"(SELECT greatest({now}::timestamp, {now} AT TIME ZONE 'UTC'))";
    }

    public string Describe(string[] values)
        => string.Join(", ", Columns.Zip(values, static (column, value) => $"{column.Name} = {Shortened(value)}"));

    private static string Shortened(string value) => value.Length > 100 ? value[..100] + "…" : value;
}
