using System.Text;
using System.Text.Encodings.Web;
using System.Text.Unicode;

namespace Sluice.Dashboard.Html;

/// <summary>Text of users, as it may stand in a page: payloads, keys, names and errors can hold any characters.</summary>
internal static class VisibleText
{
    private static readonly HtmlEncoder Encoder = HtmlEncoder.Create(UnicodeRanges.All);

    /// <summary>Encodes text for HTML, in elements and in quoted attributes.</summary>
    public static string Encode(string text) => Encoder.Encode(Show(text));

    /// <summary>
    /// Encodes text for the value of a field, which a form sends back: characters that cannot be seen stay what they are. A control
    /// character or a half of a pair, which no field can hold, becomes visible text. A browser sends line ends back as CR and LF, or, of a
    /// field that is not hidden, leaves them out.
    /// </summary>
    public static string EncodeValue(string text) => Replace(Encoder.Encode(Replace(text, IsKept)), IsShown, "&#x", ";");

    /// <summary>
    /// Replaces characters that cannot be seen, or that change how others are shown (control characters, marks of direction, halves of
    /// pairs), by their codes. Line ends and tabs stay.
    /// </summary>
    public static string Show(string text) => Replace(text, IsShown);

    /// <summary>Cuts text that is too long for its place, and says so.</summary>
    public static string Shorten(string text, int max)
    {
        if (text.Length <= max) return text;
        int end = char.IsHighSurrogate(text[max - 1]) ? max - 1 : max;
        return text[..end] + "…";
    }

    private static string Replace(string text, Func<string, int, bool> isKept, string before = "\\u", string behind = "")
    {
        int first = 0;
        while (first < text.Length && isKept(text, first)) first++;
        if (first == text.Length) return text;
        var shown = new StringBuilder(text, 0, first, text.Length + 16);
        for (int i = first; i < text.Length; i++)
        {
            if (isKept(text, i)) shown.Append(text[i]);
            else shown.Append(CultureInfo.InvariantCulture, $"{before}{(int)text[i]:x4}{behind}");
        }
        return shown.ToString();
    }

    private static bool IsKept(string text, int at)
        => IsShown(text, at) || (!char.IsSurrogate(text[at]) && char.GetUnicodeCategory(text[at]) != UnicodeCategory.Control);

    private static bool IsShown(string text, int at)
    {
        char c = text[at];
        if (c is '\n' or '\r' or '\t') return true;
        if (char.IsHighSurrogate(c)) return at + 1 < text.Length && char.IsLowSurrogate(text[at + 1]);
        if (char.IsLowSurrogate(c)) return at > 0 && char.IsHighSurrogate(text[at - 1]);
        return char.GetUnicodeCategory(c) is not (UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.LineSeparator
            or UnicodeCategory.ParagraphSeparator or UnicodeCategory.OtherNotAssigned);
    }
}
