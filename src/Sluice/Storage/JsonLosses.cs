using System.Diagnostics.CodeAnalysis;
using System.Reflection;
using System.Text.Json.Serialization.Metadata;

namespace Sluice.Storage;

/// <summary>
/// Finds the parts of a type that JSON would not write, or would write and not read again, so that a stored item would come back
/// incomplete.
/// </summary>
internal static class JsonLosses
{
    /// <exception cref="PayloadException">Parts would be lost; the message lists them, with the remedy.</exception>
    public static void Refuse(JsonTypeInfo type)
    {
        List<string> losses = [];
        var seen = new HashSet<Type>();
        var open = new Stack<JsonTypeInfo>([type]);
        while (open.TryPop(out JsonTypeInfo? next))
        {
            if (!seen.Add(next.Type)) continue;
            if (next.ElementType is { } element) Add(next, element, open);
            else if (next.Kind == JsonTypeInfoKind.Object || next.Type == typeof(object)) FindIn(next, losses, open);
        }
        if (losses.Count == 0) return;
        throw new PayloadException(
            $"A {type.Type.Name} would not come back from its payload as it "
                + $"was: {string.Join("; ", losses.Take(5))}{(losses.Count > 5 ? $"; and {losses.Count - 5} more" : "")}. "
            + "Make what is stored a record, or a class with public setters, or give PayloadSerializers.With(a serializer of your own).");
    }

    /// <summary>Returns why an item of a derived type cannot be written as this type; null if it can.</summary>
    public static string? OfDerived(JsonTypeInfo type, object value)
        => value.GetType() == type.Type || type.Kind != JsonTypeInfoKind.Object || type.PolymorphismOptions is not null ? null
            : $"it is a {value.GetType().Name}, of which only what a {type.Type.Name} has would be stored. Put "
            + $"[JsonDerivedType(typeof({value.GetType().Name}), \"…\")] on {type.Type.Name}";

    private static void FindIn(JsonTypeInfo type, List<string> losses, Stack<JsonTypeInfo> open)
    {
        if (type.Type == typeof(object) || ((type.Type.IsInterface || type.Type.IsAbstract) && type.PolymorphismOptions is null))
        {
            losses.Add($"{type.Type.Name} does not say which type to make ([JsonDerivedType] does)");
            return;
        }
        bool hasAny = false;
        foreach (JsonPropertyInfo property in type.Properties)
        {
            if (property.Get is null) continue;
            hasAny = true;
            if (IsLost(property)) losses.Add($"{type.Type.Name}.{property.Name} can be read only");
            else if (property.CustomConverter is null && property.Set is not null) Add(type, property.PropertyType, open);
            else if (property.CustomConverter is null && property.AssociatedParameter is not null) Add(type, property.PropertyType, open);
        }
        if (!hasAny && HasFields(type.Type)) losses.Add($"{type.Type.Name} has nothing that is public");
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
