using System.Text;
using System.Text.RegularExpressions;

namespace Sluice.Dashboard.Serving;

/// <summary>
/// Names in addresses. A name may hold slashes and dots, which servers and browsers read as parts of the path, so they are written as
/// <c>~1</c> and <c>~2</c>, and the tilde as <c>~0</c> (after RFC 6901). A half of a pair of UTF-16, which no address can hold, is
/// <c>~4</c> and its code.
/// </summary>
internal static partial class PathName
{
    public static string Encode(string name)
    {
        string escaped = name.Replace("~", "~0", StringComparison.Ordinal).Replace("/", "~1", StringComparison.Ordinal)
            .Replace("\\", "~3", StringComparison.Ordinal);
        if (escaped is "." or "..") escaped = escaped.Replace(".", "~2", StringComparison.Ordinal);
        return Uri.EscapeDataString(Half().Replace(escaped, static half => $"~4{(int)half.Value[0]:x4}"));
    }

    /// <summary>Reads a name from a route, which has undone the percent signs.</summary>
    public static string Decode(string routed)
    {
        if (!routed.Contains('~', StringComparison.Ordinal)) return routed;
        var name = new StringBuilder(routed.Length);
        for (int i = 0; i < routed.Length; i++)
        {
            char code = routed[i] == '~' && i + 1 < routed.Length ? routed[i + 1] : ' ';
            if (code == '4' && i + 6 <= routed.Length && ushort.TryParse(routed.AsSpan(i + 2, 4), NumberStyles.HexNumber,
                CultureInfo.InvariantCulture, out ushort half))
            {
                name.Append((char)half);
                i += 5;
                continue;
            }
            char? stands = code switch { '0' => '~', '1' => '/', '2' => '.', '3' => '\\', _ => null };
            name.Append(stands ?? routed[i]);
            if (stands is not null) i++;
        }
        return name.ToString();
    }

    [GeneratedRegex("[\\uD800-\\uDBFF](?![\\uDC00-\\uDFFF])|(?<![\\uD800-\\uDBFF])[\\uDC00-\\uDFFF]")]
    private static partial Regex Half();
}
