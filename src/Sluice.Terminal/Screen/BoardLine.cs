using Spectre.Console;
using Spectre.Console.Rendering;

namespace Sluice.Progress.Screen;

/// <summary>A line of a display, in one style.</summary>
internal readonly record struct BoardLine(string Text, BoardStyle Style = BoardStyle.Plain)
{
    private const string More = "…";

    /// <summary>Makes a line that fits: without control characters, and cut at the width of the terminal.</summary>
    public static BoardLine Of(string text, int width, BoardStyle style = BoardStyle.Plain) => new(Cut(Clean(text), width), style);

    /// <summary>Cuts a text to a number of cells; a wide character takes two.</summary>
    public static string Cut(string text, int width)
    {
        if (text.Length * 2 <= width || text.GetCellWidth() <= width) return text;
        if (width < 1) return "";
        int end = 0;
        for (int cells = 1, next; end < text.Length; end += next)
        {
            next = char.IsSurrogatePair(text, end) ? 2 : 1;
            cells += text.Substring(end, next).GetCellWidth();
            if (cells > width) break;
        }
        return text[..end] + More;
    }

    /// <summary>Fills a text with spaces, or cuts it, to a number of cells.</summary>
    public static string Fit(string text, int width, bool isRight = false)
    {
        text = Cut(text, width);
        string space = new(' ', Math.Max(0, width - text.GetCellWidth()));
        return isRight ? space + text : text + space;
    }

    /// <summary>
    /// Replaces control characters, marks that turn the direction of text, and the letter that Spectre.Console cannot measure: names and
    /// messages may have any.
    /// </summary>
    public static string Clean(string text)
        => text.Any(IsHarmful) ? string.Concat(text.Select(static one => IsHarmful(one) ? ' ' : one)) : text;

    public Segment ToSegment() => new(Text, Style switch
    {
        BoardStyle.Title => new Style(decoration: Decoration.Bold),
        BoardStyle.Head => new Style(decoration: Decoration.Dim),
        BoardStyle.Bottleneck => new Style(Color.Yellow),
        BoardStyle.Problem => new Style(Color.Red),
        _ => Spectre.Console.Style.Plain,
    });

    private static bool IsHarmful(char letter)
        => char.IsControl(letter)
            || letter is (>= '\u202a' and <= '\u202e') or (>= '\u2066' and <= '\u2069') or '\u2028' or '\u2029' or '\uffff';
}

/// <summary>The style of a line.</summary>
internal enum BoardStyle
{
    Plain,
    Title,
    Head,
    Bottleneck,
    Problem,
}
