using System.Collections.Concurrent;
using System.Text.RegularExpressions;

namespace Sluice.PostgreSql;

/// <summary>
/// A statement for some rows, whose parameters are arrays in an <c>unnest</c>. For a single row, which most rounds have of most tables, it
/// has plain parameters instead: the server finds the row by its key, without a join with a function.
/// </summary>
internal readonly struct RowsCommand<T>(NpgsqlBatchCommand command, T[] rows)
{
    /// <summary>Adds a parameter with a value of each row.</summary>
    public RowsCommand<T> Each<TOut>(Func<T, TOut> value)
    {
        if (rows.Length == 1) command.With(value(rows[0]));
        else command.With(RowWriter.Of(rows, value));
        return this;
    }

    /// <summary>Adds a parameter that is the same for all rows.</summary>
    public RowsCommand<T> All<TOut>(TOut value)
    {
        command.With(value);
        return this;
    }
}

/// <summary>Makes statements for some rows.</summary>
internal static partial class RowsCommand
{
    private static readonly ConcurrentDictionary<string, string> Ones = new(StringComparer.Ordinal);

    /// <summary>Adds a statement for some rows.</summary>
    /// <param name="add">Adds a statement with a text.</param>
    /// <param name="text">The text; each of its parameters within <c>unnest</c> has a cast to an array.</param>
    /// <param name="rows">The rows.</param>
    public static RowsCommand<T> AddFor<T>(this Func<string, NpgsqlBatchCommand> add, string text, T[] rows)
        => new(add(rows.Length == 1 ? Ones.GetOrAdd(text, One) : text), rows);

    /// <summary>The text for a single row.</summary>
    public static string One(string text) => Unnest().Replace(text, static match =>
    {
        string values = match.Groups[2].Value.Replace("[]", "", StringComparison.Ordinal);
        return match.Groups[1].Length > 0 ? $"SELECT {values}" : $"(SELECT {values})";
    });

    [GeneratedRegex(@"(SELECT \* FROM )?unnest\(((?:\$\d+::\w+\[\](?:, )?)+)\)")]
    private static partial Regex Unnest();
}
