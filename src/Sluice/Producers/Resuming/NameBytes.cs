namespace Sluice.Producers;

/// <summary>Handles file names that may not be valid text.</summary>
internal static class NameBytes
{
    /// <summary>
    /// Whether a name is valid text. Otherwise it is listed with U+FFFD for bad bytes, and no file has that name; but a valid name may
    /// contain U+FFFD, too.
    /// </summary>
    public static bool IsText(string path)
    {
        int marks = path.EnumerateRunes().Count(static rune => rune == Rune.ReplacementChar);
        if (marks == 0) return true;
        return marks == path.Count(static one => one == '\uFFFD') && File.Exists(path);      // unequal: it has half a surrogate pair
    }

    /// <summary>The name with its control characters and U+FFFD as escapes.</summary>
    public static string Shown(string name)
        => string.Concat(name.EnumerateRunes().Select(static rune => rune == Rune.ReplacementChar || Rune.IsControl(rune)
        ? $"\\u{rune.Value:X4}" : rune.ToString()));
}
