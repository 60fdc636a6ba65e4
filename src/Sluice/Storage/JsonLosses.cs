using System.Reflection;
using System.Text.Json.Serialization.Metadata;

namespace Sluice.Storage;

/// <summary>
/// Finds the parts of a type that JSON would not write, or would write and not read again, so that a stored item would come back
/// incomplete.
/// </summary>
internal static class JsonLosses
{
    private static readonly Type[] Unwritable =
    [
        typeof(Delegate), typeof(System.Reflection.MemberInfo), typeof(Stream), typeof(TextReader), typeof(TextWriter), typeof(Task),
        typeof(WaitHandle), typeof(CancellationToken), typeof(nint), typeof(nuint),
    ];

    /// <exception cref="PayloadException">Parts would be lost; the message lists them, with the remedy.</exception>
    public static void Refuse(JsonTypeInfo type)
    {
        List<string> losses = [];
        var seen = new HashSet<Type>();
        var open = new Stack<JsonTypeInfo>([type]);
        while (open.TryPop(out JsonTypeInfo? next))
        {
            if (!seen.Add(next.Type)) continue;
            if (IsUnwritable(next)) losses.Add($"{TypeNames.Of(next.Type)} has no JSON form");
            else if (next.ElementType is { } element) Add(next, element, open);
            else if (next.Kind == JsonTypeInfoKind.Object || next.Type == typeof(object)) FindIn(next, losses, open);
        }
        if (losses.Count == 0) return;
        throw new PayloadException(
            $"The type {TypeNames.Of(type.Type)} would not come back from its payload as it "
                + $"was: {string.Join("; ", losses.Take(5))}{(losses.Count > 5 ? $"; and {losses.Count - 5} more" : "")}. "
            + $"Make what is stored a record of data, or a class with public setters; or set the option Serializers to "
            + $"PayloadSerializers.Json.With(an IPayloadSerializer<{TypeNames.Of(type.Type)}> of your own) (using Sluice.Storage).");
    }

    /// <summary>Returns why an item of a derived type cannot be written as this type; null if it can.</summary>
    public static string? OfDerived(JsonTypeInfo type, object value)
        => value.GetType() == type.Type || type.Kind != JsonTypeInfoKind.Object || type.PolymorphismOptions is not null ? null
            : $"it is a {TypeNames.Of(value.GetType())}, of which only what a {TypeNames.Of(type.Type)} has would be stored. Put "
            + $"[JsonDerivedType(typeof({TypeNames.Of(value.GetType())}), \"…\")] on {TypeNames.Of(type.Type)}";

    /// <summary>Whether no value of the type can be written, or read again, unless the user's own converter does it.</summary>
    private static bool IsUnwritable(JsonTypeInfo type)
        => type.Converter.GetType().Assembly == typeof(JsonTypeInfo).Assembly && Unwritable.Any(known => type.Type.IsAssignableTo(known));

    private static void FindIn(JsonTypeInfo type, List<string> losses, Stack<JsonTypeInfo> open)
    {
        if (type.Type == typeof(object) || ((type.Type.IsInterface || type.Type.IsAbstract) && type.PolymorphismOptions is null))
        {
            losses.Add($"{TypeNames.Of(type.Type)} does not say which type to make ([JsonDerivedType] does)");
            return;
        }
        bool hasAny = false;
        foreach (JsonPropertyInfo property in type.Properties)
        {
            if (property.Get is null) continue;
            hasAny = true;
            if (IsLost(property)) losses.Add($"{TypeNames.Of(type.Type)}.{property.Name} can be read only");
            else if (property.CustomConverter is null && property.Set is not null) Add(type, property.PropertyType, open);
            else if (property.CustomConverter is null && property.AssociatedParameter is not null) Add(type, property.PropertyType, open);
        }
        if (!hasAny && HasFields(type.Type)) losses.Add($"{TypeNames.Of(type.Type)} has nothing that is public");
    }

    private static void Add(JsonTypeInfo of, Type type, Stack<JsonTypeInfo> open)
    {
        if (of.Options.TryGetTypeInfo(type, out JsonTypeInfo? info)) open.Push(info);
    }

    /// <summary>Whether a property is written, and not set when it is read. Computed properties are not lost.</summary>
    private static bool IsLost(JsonPropertyInfo property)
    {
        if (property.Set is not null || property.AssociatedParameter is not null || property.IsExtensionData) return false;
        return property.AttributeProvider switch
        {
            PropertyInfo { SetMethod: not null } => true,
            PropertyInfo { GetMethod: { } get } => get.IsDefined(typeof(CompilerGeneratedAttribute), inherit: false),
            _ => false,
        };
    }

    [UnconditionalSuppressMessage("Trimming", "IL2070", Justification = "Fields that were trimmed hold nothing that could be lost.")]
    private static bool HasFields(Type type)
        => type.GetFields(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic).Length > 0;
}
