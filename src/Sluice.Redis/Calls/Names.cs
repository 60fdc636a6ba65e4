namespace Sluice.Redis;

/// <summary>Names as they stand in keys: what is no letter, digit, hyphen, dot, tilde or underscore is escaped as in addresses, so that colons divide.</summary>
internal static class Names
{
    public static string Encode(string name) => Uri.EscapeDataString(name);

    public static string Decode(string name) => Uri.UnescapeDataString(name);
}
