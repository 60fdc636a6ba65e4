namespace Sluice.Topologies;

/// <summary>Text in an SVG: its width, estimated for Helvetica and Arial and rounded up, and its escapes.</summary>
internal static class SvgText
{
    /// <summary>Estimates the width of a line, in units of the page.</summary>
    public static double Width(string text, double size)
    {
        double width = 0;
        foreach (Rune rune in text.EnumerateRunes()) width += Width(rune);
        return Math.Ceiling(width * size * 1.06);
    }

    /// <summary>Returns a line that is not longer than a number of characters; the middle of a longer one is left out.</summary>
    public static string Shorten(string text, int most)
    {
        string line = Printable.Of(text);
        var length = new StringInfo(line);
        if (length.LengthInTextElements <= most) return line;
        int half = (most - 1) / 2;
        string end = length.SubstringByTextElements(length.LengthInTextElements - half);
        return $"{length.SubstringByTextElements(0, most - 1 - half)}…{end}";
    }

    /// <summary>Escapes text for an element or an attribute in double quotes.</summary>
    public static string Escape(string text)
    {
        var result = new StringBuilder(text.Length + 8);
        foreach (Rune rune in Printable.Of(text).EnumerateRunes())
            _ = rune.Value switch
            {
                '&' => result.Append("&amp;"),
                '<' => result.Append("&lt;"),
                '>' => result.Append("&gt;"),
                '"' => result.Append("&quot;"),
                0xFFFE or 0xFFFF => result.Append('\uFFFD'),
                _ => result.Append(rune.ToString()),
            };
        return result.ToString();
    }

    private static double Width(Rune rune) => rune.Value switch
    {
        'i' or 'j' or 'l' or 'f' or 't' or 'r' or 'I' or ' ' or '.' or ',' or ':' or ';' or '|' or '!' or '\'' or '/' => 0.34,
        '(' or ')' or '[' or ']' => 0.34,
        'm' or 'w' or 'M' or 'W' or '%' or '@' => 0.9,
        >= 'A' and <= 'Z' or '→' or '…' or '&' or '+' or '=' or '<' or '>' => 0.72,
        < 0x1100 => 0.56,
        _ => 1.05,               // letters as wide as high
    };
}
