using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;

namespace Sluice.PostgreSql;

/// <summary>
/// A statement that inserts one row, divided such that it can insert many: <c>VALUES($1, $2::jsonb)</c> becomes
/// <c>SELECT r.v1, r.v2::jsonb FROM unnest($1, $2) AS r(v1, v2)</c>. Only where both mean the same.
/// </summary>
/// <param name="Head">The text before VALUES.</param>
/// <param name="Row">The expressions of the row.</param>
/// <param name="Tail">The text behind the row: ON CONFLICT, RETURNING.</param>
/// <param name="Places">The numbers of the parameters that the row uses, from 1.</param>
internal sealed partial record BatchedInsert(string Head, string Row, string Tail, int[] Places)
{
    // An expression that reads tables would see the rows before it if the rows were inserted one by one. So a row has parameters and
    // constants only, each perhaps with a conversion.
    private const string Cast = @"(\s*::\s*[a-z_][\w.]*(\s+[a-z]+)*(\s*\(\s*\d+(\s*,\s*\d+)?\s*\))?(\s*\[\s*\])*)?";
    private const string Value = @"\s*(\$\d+|-?\d+(\.\d+)?|'[^'\\$]*'|NULL|TRUE|FALSE|now\(\)|CURRENT_TIMESTAMP|CURRENT_DATE)" + Cast
        + @"\s*";
    private const string Name = "(\\w+|\"[^\"]+\")";
    private const string Form = @"^(?<head>\s*INSERT\s+INTO\s+" + Name + @"(\s*\.\s*" + Name + @")?(\s+AS\s+" + Name + @")?\s*(\(\s*" + Name
        + @"(\s*,\s*" + Name + @")*\s*\))?(\s*OVERRIDING\s+(SYSTEM|USER)\s+VALUE)?)\s*\bVALUES\s*\((?<row>" + Value + "(," + Value
        + @")*)\)(?<tail>\s*((ON|RETURNING)\b[^$;']*)?)$";

    private const int MatchTimeoutMs = 1000;

    private static readonly ConditionalWeakTable<string, StrongBox<BatchedInsert?>> Known = new();

    /// <summary>Returns the divided statement; null if it must run once for each row.</summary>
    public static BatchedInsert? Of(string sql)
        => Known.TryGetValue(sql, out StrongBox<BatchedInsert?>? known) ? known.Value
            : Known.GetValue(sql, static text => new(Parse(text))).Value;

    /// <summary>The statement for many rows.</summary>
    /// <param name="isNull">Which of <see cref="Places"/> are null in each row: they become constants.</param>
    public string ForMany(ReadOnlySpan<bool> isNull)
    {
        var numbers = new Dictionary<int, int>();
        for (int i = 0; i < Places.Length; i++)
            if (!isNull[i]) numbers.Add(Places[i], numbers.Count + 1);
        string row = Place().Replace(Row, place => numbers.TryGetValue(NumberOf(place), out int number)
            ? string.Create(CultureInfo.InvariantCulture, $"r.v{number}") : "NULL");
        IEnumerable<int> all = Enumerable.Range(1, numbers.Count);
        // Where all is null, only the number of rows is left.
        if (numbers.Count == 0) return $"{Head} SELECT {row} FROM generate_series(1, $1){Tail}";
        return $"{Head} SELECT {row} FROM unnest({string.Join(", ", all.Select(static number => $"${number}"))}) "
            + $"AS r({string.Join(", ", all.Select(static number => $"v{number}"))}){Tail}";
    }

    private static BatchedInsert? Parse(string sql)
    {
        if (Whole().Match(sql) is not { Success: true } match) return null;
        string tail = match.Groups["tail"].Value, row = match.Groups["row"].Value;
        if (tail.Contains("--", StringComparison.Ordinal) || tail.Contains("/*", StringComparison.Ordinal)
            || tail.Contains("select", StringComparison.OrdinalIgnoreCase)) return null;
        int[] places = [.. Place().Matches(row).Select(NumberOf).Distinct().Order()];
        return places.Length == 0 ? null : new(match.Groups["head"].Value, row, tail, places);
    }

    private static int NumberOf(Match place) => int.Parse(place.ValueSpan[1..], CultureInfo.InvariantCulture);

    [GeneratedRegex(Form, RegexOptions.IgnoreCase | RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture, MatchTimeoutMs)]
    private static partial Regex Whole();

    [GeneratedRegex(@"\$\d{1,9}", RegexOptions.CultureInvariant, MatchTimeoutMs)]
    private static partial Regex Place();
}
