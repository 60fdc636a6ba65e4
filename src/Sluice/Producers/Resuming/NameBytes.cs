using System.Text;

namespace Sluice;

/// <summary>Names of files whose bytes may be no text.</summary>
internal static class NameBytes
{
    /// <summary>A name whose bytes are no UTF-8 is listed with marks in their place, and there is no file of that name. A file may also have such a mark in its name.</summary>
    public static bool IsText(string path)
    {
        int marks = path.EnumerateRunes().Count(static rune => rune == Rune.ReplacementChar);
        if (marks == 0) return true;
        return marks == path.Count(static one => one == '\uFFFD') && File.Exists(path);      // else it has half a character
    }

    /// <summary>The name with its control characters and marks as escapes.</summary>
    public static string Shown(string name)
        => string.Concat(name.EnumerateRunes().Select(static rune => rune == Rune.ReplacementChar || Rune.IsControl(rune) ? $"\\u{rune.Value:X4}" : rune.ToString()));
}
