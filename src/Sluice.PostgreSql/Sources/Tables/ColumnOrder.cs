using System.Text.RegularExpressions;

namespace Sluice.PostgreSql.Sources;

/// <summary>Tells whether values keep their order when their column gets another type: <c>integer</c>, then <c>bigint</c>.</summary>
internal static partial class ColumnOrder
{
    /// <summary>Whether a source can go on by a column behind a value that was stored for it.</summary>
    /// <param name="now">The column as it is now.</param>
    /// <param name="stored">The stored name and type, with a space between them.</param>
    public static bool GoesOn(FollowedColumn now, string stored)
    {
        if (!stored.StartsWith($"{now.Name} ", StringComparison.Ordinal)) return false;
        string before = stored[(now.Name.Length + 1)..];
        if (before == now.Type) return true;
        return Family(before) is { } known && Family(now.Type) is { } family && family.Name == known.Name && family.Digits >= known.Digits;
    }

    /// <summary>
    /// The types whose values have the same text and order, and the digits behind the point: with fewer, values are rounded, and may
    /// change places with the stored one. Null if a type has no others.
    /// </summary>
    private static (string Name, int Digits)? Family(string type)
    {
        if (type is "smallint" or "integer" or "bigint") return ("number", 0);
        if (type == "numeric") return ("number", int.MaxValue);
        if (type is "text" or "character varying" || type.StartsWith("character varying(", StringComparison.Ordinal)) return ("text", 0);
        if (Number().Match(type) is { Success: true } number) return ("number", Digits(number.Groups[1], 0));
        return Time().Match(type) is { Success: true } time ? ("timestamp" + time.Groups[2].Value, Digits(time.Groups[1], 6)) : null;
    }

    private static int Digits(Group digits, int otherwise)
        => digits.Success ? int.Parse(digits.ValueSpan, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture) : otherwise;

    [GeneratedRegex(@"^numeric\([0-9]+(?:,(-?[0-9]+))?\)$")]
    private static partial Regex Number();

    [GeneratedRegex(@"^timestamp(?:\(([0-9]+)\))?( with(?:out)? time zone)$")]
    private static partial Regex Time();
}
