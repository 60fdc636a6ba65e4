namespace Airports;

/// <summary>
/// Hands the CSV parser rows whose quotes are in order, and only those. A parser alone takes a broken quote for the beginning
/// of a field that spans lines, and swallows every row up to the next quote. Here a row that does not come to an end costs
/// itself alone: reading goes on at the line after the one it began on.
/// </summary>
internal sealed class RowReader(TextReader text, SkippedRows skipped) : TextReader
{
    /// <summary>How many lines a quoted field may make of one row.</summary>
    private const int MaxLinesOfRow = 50;

    private readonly PhysicalLines lines = new(text);
    private readonly Stack<(string? Content, int Number)> unread = new();
    private readonly List<int> firstLines = [];
    private string row = "";
    private int position;
    private int columnsOfFirst;

    /// <summary>The physical line on which a row began; the rows handed out are counted from 1. (The parser reads ahead.)</summary>
    public int LineOf(long row) => firstLines[(int)row - 1];

    /// <inheritdoc/>
    public override int Peek() => Fill() ? row[position] : -1;

    /// <inheritdoc/>
    public override int Read() => Fill() ? row[position++] : -1;

    /// <inheritdoc/>
    public override int Read(char[] buffer, int index, int count) => Read(buffer.AsSpan(index, count));

    /// <inheritdoc/>
    public override int Read(Span<char> buffer)
    {
        if (buffer.IsEmpty || !Fill()) return 0;
        var count = Math.Min(buffer.Length, row.Length - position);
        row.AsSpan(position, count).CopyTo(buffer);
        position += count;
        return count;
    }

    private bool Fill()
    {
        if (position < row.Length) return true;
        if (NextRow() is not { } next) return false;
        (row, position) = (next + "\n", 0);
        return true;
    }

    private string? NextRow()
    {
        while (NextLine() is var (content, number))
        {
            if (content is null)
            {
                skipped.Add($"longer than {PhysicalLines.MaxLength:N0} characters", number);
                continue;
            }

            if (string.IsNullOrWhiteSpace(content)) continue;
            var (quotes, columns) = Inspect(content);
            var complete = quotes == Quotes.Open ? ReadOn(content) : quotes == Quotes.Closed ? content : null;
            if (complete is null)
            {
                skipped.Add("broken quote", number);
                continue;
            }

            if (columnsOfFirst == 0) columnsOfFirst = columns;
            firstLines.Add(number);
            return complete;
        }

        return null;
    }

    // A quoted field is open at the end of the line. The row is what it takes to close it, unless that makes no sensible row:
    // then the quote is broken, and all lines after the first are given back.
    private string? ReadOn(string first)
    {
        var row = first;
        var taken = new Stack<(string? Content, int Number)>();
        while (taken.Count < MaxLinesOfRow - 1 && NextLine() is { } next)
        {
            taken.Push(next);
            if (next.Content is null || row.Length + next.Content.Length > PhysicalLines.MaxLength) break;
            row += "\n" + next.Content;
            var (quotes, columns) = Inspect(row);
            if (quotes == Quotes.Open) continue;
            if (quotes == Quotes.Closed && columns >= columnsOfFirst) return row;
            break;
        }

        while (taken.TryPop(out var line)) unread.Push(line);
        return null;
    }

    private (string? Content, int Number)? NextLine() => unread.TryPop(out var line) ? line : lines.Next();

    private enum Quotes
    {
        Closed,
        Open,
        Broken,
    }

    // RFC 4180: a quote opens a field only as its first character, is doubled inside, and is closed before a comma or the end.
    private static (Quotes Quotes, int Columns) Inspect(string row)
    {
        var columns = 1;
        for (var i = 0; i < row.Length; i++)
        {
            var fieldStart = i == 0 || row[i - 1] == ',';
            if (row[i] == ',') columns++;
            if (row[i] != '"') continue;
            if (!fieldStart) return (Quotes.Broken, columns);

            i++;
            while (i < row.Length && (row[i] != '"' || (i + 1 < row.Length && row[i + 1] == '"'))) i += row[i] == '"' ? 2 : 1;
            if (i >= row.Length) return (Quotes.Open, columns);
            if (i + 1 < row.Length && row[i + 1] != ',') return (Quotes.Broken, columns);
        }

        return (Quotes.Closed, columns);
    }
}
