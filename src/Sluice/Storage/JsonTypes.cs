using System.Text.Json.Serialization.Metadata;

namespace Sluice.Storage;

/// <summary>Walks the graph of types behind a JSON type.</summary>
internal static class JsonTypes
{
    /// <returns>The type, and the types of all its members and elements, each once.</returns>
    public static IEnumerable<JsonTypeInfo> Reachable(JsonTypeInfo from)
    {
        var seen = new HashSet<Type>();
        var open = new Stack<JsonTypeInfo>([from]);
        while (open.TryPop(out JsonTypeInfo? next))
        {
            if (!seen.Add(next.Type)) continue;
            yield return next;
            if (next.ElementType is { } element) Add(next, element, open);
            else if (next.Kind == JsonTypeInfoKind.Object)
                foreach (JsonPropertyInfo property in next.Properties)
                    if (property.CustomConverter is null) Add(next, property.PropertyType, open);
        }
    }

    /// <returns>The type at a JSON path; null if it cannot be determined.</returns>
    public static JsonTypeInfo? At(JsonTypeInfo? type, ReadOnlySpan<char> path)
    {
        if (path is ['$', .. var steps]) path = steps;
        while (type is not null && path.Length > 0)
        {
            string? name = null;
            if (path is ['[', '\'', .. var quoted])
            {
                int end = quoted.IndexOf("']");
                if (end < 0) return null;
                name = quoted[..end].ToString();
                path = quoted[(end + 2)..];
            }
            else if (path[0] == '[')
            {
                int end = path.IndexOf(']');
                if (end < 0) return null;
                path = path[(end + 1)..];
            }
            else
            {
                int end = path[1..].IndexOfAny('.', '[') + 1;
                if (end == 0) end = path.Length;
                name = path[1..end].ToString();
                path = path[end..];
            }
            Type? next = name is null || type.Kind == JsonTypeInfoKind.Dictionary ? type.ElementType : Member(type, name)?.PropertyType;
            type = next is not null && type.Options.TryGetTypeInfo(next, out JsonTypeInfo? info) ? info : null;
        }
        return type;
    }

    public static JsonPropertyInfo? Member(JsonTypeInfo type, string name)
    {
        if (type.Kind != JsonTypeInfoKind.Object) return null;
        StringComparison casing = type.Options.PropertyNameCaseInsensitive ? StringComparison.OrdinalIgnoreCase : StringComparison.Ordinal;
        return type.Properties.FirstOrDefault(property => property.Name.Equals(name, casing));
    }

    /// <returns>The JSON that a value of this type needs, as text for people; null if it cannot be determined.</returns>
    public static string? Expected(JsonTypeInfo? info)
    {
        if (info is null) return null;
        if (Nullable.GetUnderlyingType(info.Type) is { } inner)
            return info.Options.TryGetTypeInfo(inner, out JsonTypeInfo? of) && Expected(of) is { } value ? $"{value}, or null" : null;
        Type type = info.Type;
        if (type.IsEnum) return $"one of {string.Join(", ", Enum.GetNames(type).Take(20))}";
        return Type.GetTypeCode(type) switch
        {
            TypeCode.String => "a text",
            TypeCode.Char => "a text of one character",
            TypeCode.Boolean => "true or false",
            TypeCode.SByte => Whole(sbyte.MinValue, sbyte.MaxValue),
            TypeCode.Byte => Whole(byte.MinValue, byte.MaxValue),
            TypeCode.Int16 => Whole(short.MinValue, short.MaxValue),
            TypeCode.UInt16 => Whole(ushort.MinValue, ushort.MaxValue),
            TypeCode.Int32 => Whole(int.MinValue, int.MaxValue),
            TypeCode.UInt32 => Whole(uint.MinValue, uint.MaxValue),
            TypeCode.Int64 => Whole(long.MinValue, long.MaxValue),
            TypeCode.UInt64 => Whole(ulong.MinValue, ulong.MaxValue),
            TypeCode.Single or TypeCode.Double or TypeCode.Decimal => "a number",
            TypeCode.DateTime => Time,
            _ when type == typeof(DateTimeOffset) => Time,
            _ when type == typeof(DateOnly) => "a date such as \"2026-11-22\"",
            _ when type == typeof(TimeOnly) || type == typeof(TimeSpan) => "a time such as \"10:30:00\"",
            _ when type == typeof(Guid) => "a UUID",
            _ when type == typeof(byte[]) => "a text in base64",
            _ => info.Kind switch
            {
                JsonTypeInfoKind.Object or JsonTypeInfoKind.Dictionary => "an object",
                JsonTypeInfoKind.Enumerable
                => "an array",
                _ => null
            },
        };
    }

    private const string Time = "a date and time such as \"2026-11-22T10:30:00Z\"";

    private static string Whole<TNumber>(TNumber least, TNumber most) where TNumber : IFormattable
        => FormattableString.Invariant($"a whole number from {least} to {most}");

    private static void Add(JsonTypeInfo of, Type type, Stack<JsonTypeInfo> open)
    {
        if (of.Options.TryGetTypeInfo(type, out JsonTypeInfo? info)) open.Push(info);
    }
}
