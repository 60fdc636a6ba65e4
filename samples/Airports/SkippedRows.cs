namespace Airports;

/// <summary>The rows of the gazetteer that could not be used: how many for each reason, and where the first of them are.</summary>
internal sealed class SkippedRows
{
    /// <summary>How many line numbers are kept for each reason; the rest are only counted.</summary>
    public const int LinesKept = 5;

    private readonly SortedDictionary<string, (List<int> Lines, int Count)> byReason = new(StringComparer.Ordinal);

    /// <summary>Number of rows skipped.</summary>
    public int Count { get; private set; }

    /// <summary>Every reason that occurred.</summary>
    public IEnumerable<(string Reason, IReadOnlyList<int> FirstLines, int Count)> ByReason
        => byReason.Select(entry => (entry.Key, (IReadOnlyList<int>)entry.Value.Lines, entry.Value.Count));

    /// <summary>Notes a row; <paramref name="line"/> is the physical line it begins on, from 1.</summary>
    public void Add(string reason, int line)
    {
        var (lines, count) = byReason.TryGetValue(reason, out var entry) ? entry : ([], 0);
        if (lines.Count < LinesKept) lines.Add(line);
        byReason[reason] = (lines, count + 1);
        Count++;
    }

    /// <summary>One line per reason, such as "2 no IATA code: lines 4, 9".</summary>
    public IEnumerable<string> Describe() => ByReason.Select(entry =>
        $"{entry.Count:N0} {entry.Reason}: {(entry.Count == 1 ? "line" : "lines")} {string.Join(", ", entry.FirstLines)}"
        + (entry.Count > entry.FirstLines.Count ? $" and {entry.Count - entry.FirstLines.Count:N0} more" : ""));
}
