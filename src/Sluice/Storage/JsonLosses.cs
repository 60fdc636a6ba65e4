using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Sluice.Storage;

/// <summary>
/// Finds the parts of a type that JSON would not write, or would write and not read again, so that a stored item would come back
/// incomplete. All that stores values asks here, once for each type.
/// </summary>
/// <remarks>Types with a converter of the user's own are not looked into.</remarks>
internal static class JsonLosses
{
    private static readonly Type[] Unwritable =
    [
        typeof(Delegate), typeof(System.Reflection.MemberInfo), typeof(Stream), typeof(TextReader), typeof(TextWriter), typeof(Task),
        typeof(WaitHandle), typeof(CancellationToken), typeof(nint), typeof(nuint), typeof(Exception), typeof(System.Text.StringBuilder),
    ];

    // By the metadata: why a type is refused. By the type of a collection: its first member that is not stored. Empty if there is nothing.
    private static readonly ConditionalWeakTable<JsonTypeInfo, string> Known = [];
    private static readonly ConditionalWeakTable<Type, string> Collections = [];

    /// <exception cref="PayloadException">Parts would be lost; the message lists them, with the remedy.</exception>
    public static void Refuse(JsonTypeInfo type)
    {
        if (Of(type) is { } why) throw new PayloadException(why);
    }

    /// <returns>The parts of the type that would be lost, with the remedy, for people; null if there are none.</returns>
    public static string? Of(JsonTypeInfo type) => Known.GetValue(type, Describe) is { Length: > 0 } why ? why : null;

    /// <summary>Returns why an item of a derived type cannot be written as this type; null if it can.</summary>
    public static string? OfDerived(JsonTypeInfo type, object value)
    {
        Type derived = value.GetType();
        if (derived == type.Type || type.PolymorphismOptions is not null) return null;
        return type.Kind switch
        {
            JsonTypeInfoKind.Object => $"it is a {TypeNames.Of(derived)}, of which only what a {TypeNames.Of(type.Type)} has would be "
                + $"stored. Put [JsonDerivedType(typeof({TypeNames.Of(derived)}), \"…\")] on {TypeNames.Of(type.Type)}",
            JsonTypeInfoKind.Enumerable or JsonTypeInfoKind.Dictionary
                when Collections.GetValue(derived, static of => JsonMembers.OfCollection(of).FirstOrDefault("")) is { Length: > 0 } lost
                => $"it is a collection with members of its own: {lost}",
            _ => null,
        };
    }

    private static string Describe(JsonTypeInfo type)
    {
        List<string> losses = [];
        var seen = new HashSet<Type>();
        var open = new Stack<JsonTypeInfo>([type]);
        while (open.TryPop(out JsonTypeInfo? next))
            if (seen.Add(next.Type) && !IsOfUser(next)) FindIn(next, losses, open);
        if (losses.Count == 0) return "";
        return $"The type {TypeNames.Of(type.Type)} would not come back from its payload as it "
                + $"was: {string.Join("; ", losses.Take(5))}{(losses.Count > 5 ? $"; and {losses.Count - 5} more" : "")}. "
            + $"Make what is stored a record of data, or a class with public setters; or set the option Serializers to "
            + $"PayloadSerializers.Json.With(an IPayloadSerializer<{TypeNames.Of(type.Type)}> of your own) (using Sluice.Storage).";
    }

    /// <summary>Whether the user's own converter writes the type.</summary>
    private static bool IsOfUser(JsonTypeInfo type) => type.Converter.GetType().Assembly != typeof(JsonTypeInfo).Assembly;

    private static void FindIn(JsonTypeInfo type, List<string> losses, Stack<JsonTypeInfo> open)
    {
        if (Unwritable.Any(known => type.Type.IsAssignableTo(known))) losses.Add($"{TypeNames.Of(type.Type)} has no JSON form");
        else if (type.Kind is JsonTypeInfoKind.Enumerable or JsonTypeInfoKind.Dictionary) FindInCollection(type, losses, open);
        else if (type.ElementType is { } element) Add(type, element, open);                  // of a nullable
        else if (type.Kind == JsonTypeInfoKind.Object || type.Type == typeof(object)) FindInObject(type, losses, open);
        else if (Type.GetTypeCode(type.Type) == TypeCode.Object && !CanRead(type, "[]"u8))
            losses.Add($"{TypeNames.Of(type.Type)} has no JSON form");
    }

    private static void FindInCollection(JsonTypeInfo type, List<string> losses, Stack<JsonTypeInfo> open)
    {
        bool hasKeys = type.Kind == JsonTypeInfoKind.Dictionary;
        losses.AddRange(JsonMembers.OfCollection(type.Type));
        if (!CanRead(type, hasKeys ? "{}"u8 : "[]"u8))
            losses.Add($"{TypeNames.Of(type.Type)} is a collection that JSON cannot write and read again (arrays, List, HashSet and "
                + "Dictionary are not)");
        else if (hasKeys && !HasOwnStructures(type) && !CanRead(type, "{\"0\":null}"u8))
            losses.Add($"{TypeNames.Of(type.Type)} has keys that JSON cannot write as texts and read again");
        if (type.ElementType is { } element) Add(type, element, open);
    }

    // A converter of the user may refuse the null of a structure in any way.
    private static bool HasOwnStructures(JsonTypeInfo type) => type.ElementType is { IsValueType: true } element
        && type.Options.TryGetTypeInfo(element, out JsonTypeInfo? info) && IsOfUser(info);

    private static void FindInObject(JsonTypeInfo type, List<string> losses, Stack<JsonTypeInfo> open)
    {
        bool isAbstract = type.Type.IsInterface || type.Type.IsAbstract;
        if (type.Type == typeof(object) || (isAbstract && type.PolymorphismOptions is null))
        {
            losses.Add($"{TypeNames.Of(type.Type)} does not say which type to make ([JsonDerivedType] does)");
            return;
        }
        foreach (JsonDerivedType derived in type.PolymorphismOptions?.DerivedTypes ?? [])
        {
            if (derived.TypeDiscriminator is null && derived.DerivedType != type.Type)
                losses.Add($"{TypeNames.Of(derived.DerivedType)} is written without its name, and read as {TypeNames.Of(type.Type)} "
                    + $"([JsonDerivedType(typeof({TypeNames.Of(derived.DerivedType)}), \"…\")] names it)");
            else Add(type, derived.DerivedType, open);
        }
        if (isAbstract) return;                      // all of its values are of the derived types
        var members = new JsonMembers(type);
        losses.AddRange(members.Lost);
        foreach (JsonPropertyInfo restored in members.Restored)
            if (restored.CustomConverter is null) Add(type, restored.PropertyType, open);
    }

    private static void Add(JsonTypeInfo of, Type type, Stack<JsonTypeInfo> open)
    {
        if (of.Options.TryGetTypeInfo(type, out JsonTypeInfo? info)) open.Push(info);
    }

    /// <summary>Whether JSON supports reading such a text as the type, and writing what was read.</summary>
    private static bool CanRead(JsonTypeInfo type, ReadOnlySpan<byte> json)
    {
        try
        {
            if (JsonSerializer.Deserialize(json, type) is { } value) JsonSerializer.Serialize(Stream.Null, value, type);
            return true;
        }
        catch (Exception e)
        {
            return e is not (NotSupportedException or InvalidOperationException);           // others are about this text
        }
    }
}
