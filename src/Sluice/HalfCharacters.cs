namespace Sluice;

/// <summary>Finds halves of characters (unpaired surrogates) in texts that stores keep as UTF-8. UTF-8 writes all halves as U+FFFD, so two
/// different texts would become one.</summary>
internal static class HalfCharacters
{
    /// <summary>Returns the index of the first half; -1 if the text has none.</summary>
    /// <remarks>A plain loop: IndexOfAnyInRange boxes its bounds until it is compiled with optimizations, 96 bytes for a row.</remarks>
    public static int IndexIn(string text)
    {
        for (int i = 0; i < text.Length; i++)
        {
            if (!char.IsSurrogate(text[i])) continue;
            if (i + 1 == text.Length || !char.IsSurrogatePair(text[i], text[i + 1])) return i;
            i++;
        }
        return -1;
    }
}
