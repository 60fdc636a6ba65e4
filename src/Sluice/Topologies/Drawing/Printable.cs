namespace Sluice.Topologies;

/// <summary>Makes names printable: a name may contain any character, a drawing may not.</summary>
internal static class Printable
{
    /// <summary>
    /// Returns the text on one line: control characters and line separators as escapes, halves of surrogate pairs as U+FFFD.
    /// </summary>
    internal static string Of(string text)
    {
        var needed = false;
        foreach (var character in text) needed |= NeedsCare(character);
        if (!needed) return text;

        var result = new StringBuilder(text.Length + 8);
        foreach (var rune in text.EnumerateRunes()) // replaces invalid halves by U+FFFD
            _ = rune.Value switch
            {
                '\n' => result.Append("\\n"),
                '\r' => result.Append("\\r"),
                '\t' => result.Append("\\t"),
                var value when value <= char.MaxValue && IsControl((char)value)
                    => result.Append(CultureInfo.InvariantCulture, $"\\u{value:X4}"),
                _ => result.Append(rune.ToString()),
            };
        return result.ToString();
    }

    private static bool NeedsCare(char character) => char.IsSurrogate(character) || IsControl(character);

    // Format characters can hide, or reverse the direction of a line; they are shown as escapes.
    private static bool IsControl(char character)
        => char.GetUnicodeCategory(character) is UnicodeCategory.Control or UnicodeCategory.LineSeparator
            or UnicodeCategory.ParagraphSeparator or UnicodeCategory.Format;
}
