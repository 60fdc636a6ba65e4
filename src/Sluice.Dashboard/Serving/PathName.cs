namespace Sluice.Dashboard.Serving;

/// <summary>
/// Names in addresses. A name may hold slashes and dots, which servers and browsers read as parts of the path, so they are written as
/// <c>~1</c> and <c>~2</c>, and the tilde as <c>~0</c> (after RFC 6901).
/// </summary>
internal static class PathName
{
    public static string Encode(string name)
    {
        string escaped = name.Replace("~", "~0", StringComparison.Ordinal).Replace("/", "~1", StringComparison.Ordinal)
            .Replace("\\", "~3", StringComparison.Ordinal);
        if (escaped is "." or "..") escaped = escaped.Replace(".", "~2", StringComparison.Ordinal);
        return Uri.EscapeDataString(escaped);
    }

    /// <summary>Reads a name from a route, which has undone the percent signs.</summary>
    public static string Decode(string routed) => routed.Replace("~3", "\\", StringComparison.Ordinal)
        .Replace("~2", ".", StringComparison.Ordinal).Replace("~1", "/", StringComparison.Ordinal)
        .Replace("~0", "~", StringComparison.Ordinal);
}
