namespace Sluice.Storage;

/// <summary>
/// Makes texts of users, such as errors, storable. UTF-8 has no form for half a surrogate pair, and databases end a text at a zero
/// character: such a text comes back as another one, which no longer matches its checksum.
/// </summary>
/// <remarks>The other stores have the same file.</remarks>
internal static class StorableText
{
    /// <summary>The number of characters of an error that stores keep.</summary>
    public const int MaxError = 4000;

    /// <summary>The number of characters of a letter's path that databases keep.</summary>
    public const int MaxPath = 100_000;

    /// <summary>Truncates a text between two characters, and replaces what cannot be stored by U+FFFD.</summary>
    public static string Storable(this string text, int max = MaxError)
    {
        if (text.Length > max) text = text[..(char.IsSurrogatePair(text, max - 1) ? max - 1 : max)];
        int first = NextBad(text, 0);
        if (first == text.Length) return text;
        return string.Create(text.Length, (text, first), static (to, from) =>
        {
            from.text.CopyTo(to);
            for (int at = from.first; at < to.Length; at = NextBad(from.text, at + 1)) to[at] = '\uFFFD';
        });
    }

    // The place of the next character that cannot be stored; the length if there is none.
    private static int NextBad(string text, int at)
    {
        for (; at < text.Length; at++)
        {
            if (text[at] != '\0' && !char.IsSurrogate(text[at])) continue;
            if (at + 1 == text.Length || !char.IsSurrogatePair(text[at], text[at + 1])) return at;
            at++;
        }
        return at;
    }
}
