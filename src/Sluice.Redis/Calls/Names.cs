namespace Sluice.Redis;

/// <summary>
/// Encodes names for keys: other characters than letters, digits, hyphens, dots, tildes and underscores are percent-encoded, so that colons
/// separate.
/// </summary>
internal static class Names
{
    public static string Encode(string name) => Uri.EscapeDataString(name);

    public static string Decode(string name) => Uri.UnescapeDataString(name);
}
