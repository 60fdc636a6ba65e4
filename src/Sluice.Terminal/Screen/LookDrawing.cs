using System.Globalization;
using Sluice.Progress.Looks;
using Spectre.Console;

namespace Sluice.Progress.Screen;

/// <summary>Draws a look as lines that fit a width.</summary>
internal static class LookDrawing
{
    private const int MinBar = 10, MaxBar = 40, MaxName = 40, Number = 12;

    public static IReadOnlyList<BoardLine> Draw(RatedLook rated, int width)
    {
        ProgressLook look = rated.Look;
        List<BoardLine> lines =
        [
            BoardLine.Of(string.Join("  ", [look.Title, look.Status, .. Counts(rated)]), width, BoardStyle.Title),
        ];
        if (Bar(look, width, rated.Left) is { } bar) lines.Add(BoardLine.Of(bar, width));
        if (look.Bottleneck is { } bottleneck) lines.Add(BoardLine.Of($"bottleneck: {bottleneck}", width, BoardStyle.Bottleneck));
        if (look.Problem is { } problem) lines.Add(BoardLine.Of(problem, width, BoardStyle.Problem));
        AddRows(lines, rated, width);
        return lines;
    }

    private static IEnumerable<string> Counts(RatedLook rated)
    {
        ProgressLook look = rated.Look;
        if (look.Total is null) yield return $"{Count(look.Done)} {look.Unit}";
        if (rated.PerSecond is { } rate && look.HasEstimate) yield return $"{Rate(rate)}/s";
        if (look.Elapsed > TimeSpan.Zero) yield return Span(look.Elapsed);
    }

    private static string? Bar(ProgressLook look, int width, TimeSpan? left)
    {
        if (look.Total is not { } total || total < 1) return null;
        // More than expected have come: the number was wrong, and the bar is full.
        double part = Math.Clamp((double)look.Done / total, 0, 1);
        string text = $"{Math.Floor(part * 100).ToString(CultureInfo.InvariantCulture)} %  {Count(look.Done)} of {Count(total)} {look.Unit}"
            + (left is { } time ? $"  about {Span(time)} left" : "");
        int cells = Math.Min(MaxBar, width - text.Length - 4);
        if (cells < MinBar) return text;
        int full = (int)(part * cells);
        return $"[{new string('#', full)}{new string('-', cells - full)}]  {text}";
    }

    // A narrow terminal shows fewer columns.
    private static void AddRows(List<BoardLine> lines, RatedLook rated, int width)
    {
        if (rated.Rows.Count == 0) return;
        int columns = width switch { < 30 => 1, < 50 => 2, < 64 => 3, _ => 4 };
        int longest = rated.Rows.Max(static one => BoardLine.Cut(BoardLine.Clean(one.Row.Name), MaxName).GetCellWidth());
        int name = Math.Clamp(Math.Max(4, longest), 4, Math.Max(4, Math.Min(MaxName, width - columns * (Number + 1))));
        lines.Add(BoardLine.Of(Row("NAME", "DONE", "/S", "WAITING", "FAILED", "STATE"), width, BoardStyle.Head));
        foreach ((ProgressRow row, double? perSecond) in rated.Rows)
        {
            string text = Row(row.Name, Count(row.Done), perSecond is { } rate ? Rate(rate) : "-", Count(row.Waiting), Count(row.Failed),
                row.State);
            lines.Add(BoardLine.Of(text, width, row.Name == rated.Look.Bottleneck ? BoardStyle.Bottleneck : BoardStyle.Plain));
        }
        int hidden = rated.Look.Rows.Count - rated.Rows.Count;
        if (hidden > 0) lines.Add(BoardLine.Of($"… and {Count(hidden)} more", width, BoardStyle.Head));

        string Row(string first, string done, string rate, string waiting, string failed, string state)
        {
            string text = BoardLine.Fit(BoardLine.Clean(first), name);
            foreach (string number in ((string[])[done, rate, waiting, failed])[..columns])
                text += " " + BoardLine.Fit(number, Number, isRight: true);
            return columns == 4 ? $"{text}  {state}" : text;
        }
    }

    private static string Count(long count) => count.ToString("N0", CultureInfo.InvariantCulture);

    private static string Rate(double rate) => rate.ToString(Math.Abs(rate) < 10 ? "0.0" : "N0", CultureInfo.InvariantCulture);

    private static string Span(TimeSpan span) => span switch
    {
        { TotalSeconds: < 1 } => string.Create(CultureInfo.InvariantCulture, $"{span.TotalSeconds:0.0} s"),
        { TotalSeconds: < 120 } => string.Create(CultureInfo.InvariantCulture, $"{span.TotalSeconds:0} s"),
        { TotalMinutes: < 120 } => string.Create(CultureInfo.InvariantCulture, $"{span.TotalMinutes:0} min"),
        { TotalHours: < 48 } => string.Create(CultureInfo.InvariantCulture, $"{span.TotalHours:0} h"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{span.TotalDays:N0} days"),
    };
}
