namespace Sluice.Dashboard.Pages;

/// <summary>Parts that several pages have.</summary>
internal static class Tables
{
    /// <summary>A table; a sentence instead of a table without rows.</summary>
    /// <param name="caption">What it lists; screen readers say it.</param>
    /// <param name="headers">The names of the columns; <c>&gt;</c> before a name means figures.</param>
    /// <param name="rows">The rows: a cell for each header.</param>
    /// <param name="none">The sentence.</param>
    public static Markup Draw(string caption, IReadOnlyList<string> headers, IEnumerable<IReadOnlyList<Markup>> rows, string none)
    {
        Markup[] drawn = [.. rows.Select(row => Markup.Of($"<tr>{row.Select((cell, at) => Markup.Of(
            $"<td{Class(headers[at], cell.ToString())}>{cell}</td>"))}</tr>\n"))];
        return drawn.Length == 0 ? Markup.Of($"<p class=\"none\">{none}</p>") : Markup.Of($"""
            <div class="wide" tabindex="0" role="region" aria-label="{caption}"><table><caption>{caption}</caption>
            <thead><tr>{headers.Select(static header => Markup.Of(
                $"<th scope=\"col\"{Class(header, header)}>{header.TrimStart('>')}</th>"))}</tr></thead>
            <tbody>
            {drawn}</tbody></table></div>
            """);
    }

    /// <summary>A table below a heading that all see.</summary>
    public static Markup Under(string heading, IReadOnlyList<string> headers, IEnumerable<IReadOnlyList<Markup>> rows, string none)
        => Markup.Of($"<h2>{heading}</h2>{Draw(heading, headers, rows, none)}");

    public static Markup Cell(string? text) => Markup.Of($"{text}");

    /// <summary>A count of something bad, which stands out if there is any.</summary>
    public static Markup Bad(long count) => count == 0 ? Cell("0") : Markup.Of($"<span class=\"bad\">{count}</span>");

    /// <summary>A dash, and why there is nothing, for those who point at it.</summary>
    public static Markup Nothing(string why) => Markup.Of($"<span class=\"nil\" title=\"{why}\">–</span>");

    /// <summary>A text, and what it means, for those who point at it.</summary>
    public static Markup Hint(string text, string why) => Markup.Of($"<span title=\"{why}\">{text}</span>");

    public static Markup Link(string address, string text) => Markup.Of($"<a href=\"{address}\">{text}</a>");

    public static Markup Show(Verdict verdict) => Markup.Of(
        $"<p class=\"verdict {verdict.Word}\"><strong>{verdict.Word}</strong> {Marked(VisibleText.Shorten(verdict.Text, 900))}</p>");

    /// <summary>A text with names in backquotes, which stand out. Without a second backquote, the first is one of the text.</summary>
    private static Markup Marked(string text)
    {
        string[] parts = text.Split('`');
        return parts.Length % 2 == 0 ? Cell(text)
            : Markup.Of($"{parts.Select(static (part, at) => at % 2 == 1 ? Markup.Of($"<b>{part}</b>") : Cell(part))}");
    }

    /// <summary>Names and figures in pairs.</summary>
    public static Markup Facts(IEnumerable<(string Name, Markup Value)> facts)
        => Markup.Of($"<dl>{facts.Select(static fact => Markup.Of(
            $"<div><dt>{fact.Name}</dt><dd{Class("", fact.Value.ToString())}>{fact.Value}</dd></div>"))}</dl>");

    // Figures of nothing are faint: what is there stands out.
    private static Markup Class(string header, string cell) => (header.StartsWith('>'), cell is "0" or "–" or "0/s" or "0 %") switch
    {
        (true, true) => Markup.Of($" class=\"figures nil\""),
        (true, false) => Markup.Of($" class=\"figures\""),
        (false, true) => Markup.Of($" class=\"nil\""),
        _ => Markup.None,
    };
}
