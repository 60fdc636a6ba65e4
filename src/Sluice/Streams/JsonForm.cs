using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;

namespace Sluice;

/// <summary>
/// Makes the JSON options of all payloads from those that a user gives: strict ones for stores, stricter ones for doors. A member that a value cannot do without must be there, and a
/// member that is not nullable must not become null. The only place where options of payloads are made.
/// </summary>
/// <remarks>Immutable and thread-safe; one for each set of options, as options are costly.</remarks>
internal sealed class JsonForm
{
    private static readonly ConditionalWeakTable<JsonSerializerOptions, JsonForm> Known = [];

    private readonly Lazy<JsonSerializerOptions> door, exactDoor;

    private JsonForm(JsonSerializerOptions given)
    {
        Stored = new(given)
        {
            RespectNullableAnnotations = true,
            RespectRequiredConstructorParameters = true,
            TypeInfoResolver = given.TypeInfoResolver?.WithAddedModifier(RefuseNulls),
        };
        Stored.MakeReadOnly();
        exactDoor = new(() => DoorOf(Stored));
        door = new(() => DoorOf(new(Stored) { PropertyNameCaseInsensitive = true }));
    }

    /// <summary>For payloads that a store keeps. A newer program may have added members, so unknown ones are passed over unless the user's options refuse them.</summary>
    public JsonSerializerOptions Stored { get; }

    /// <param name="given">The user's, which say how types are found.</param>
    public static JsonForm Of(JsonSerializerOptions given) => Known.GetValue(given, static one => new(one));

    /// <summary>For types that are found by reflection; fields, and so tuples, are written as well.</summary>
    [RequiresUnreferencedCode("Reflects over the types.")]
    [RequiresDynamicCode("Makes code at run time.")]
    public static JsonSerializerOptions Reflected()
    {
        var options = new JsonSerializerOptions(JsonSerializerOptions.Default) { IncludeFields = true };
        options.MakeReadOnly(populateMissingResolver: true);
        return options;
    }

    /// <returns>How a type is written and read; null where the options do not know it.</returns>
    public JsonTypeInfo<T>? Find<T>() => Stored.TryGetTypeInfo(typeof(T), out JsonTypeInfo? info) ? (JsonTypeInfo<T>)info : null;

    /// <summary>How a type is read that comes from outside: members in any casing, and none that are unknown or there twice.</summary>
    public JsonTypeInfo<T> AtDoor<T>()
    {
        bool isAmbiguous = JsonTypes.Reachable(Stored.GetTypeInfo(typeof(T))).Any(static type =>
            type.Kind == JsonTypeInfoKind.Object && type.Properties.Select(property => property.Name).Distinct(StringComparer.OrdinalIgnoreCase).Count() < type.Properties.Count);
        return (JsonTypeInfo<T>)(isAmbiguous ? exactDoor : door).Value.GetTypeInfo(typeof(T));
    }

    private static JsonSerializerOptions DoorOf(JsonSerializerOptions stored)
    {
        var options = new JsonSerializerOptions(stored) { UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow, AllowDuplicateProperties = false };
        options.MakeReadOnly();
        return options;
    }

    /// <summary>
    /// A member that is set by nobody keeps what its type's own code gave it. That is right if it is a value, and must not pass if it is null and the member is not nullable. The elements of a
    /// tuple have no names that could change, and no defaults.
    /// </summary>
    private static void RefuseNulls(JsonTypeInfo type)
    {
        if (type.Kind != JsonTypeInfoKind.Object) return;
        if (type.Type is { IsValueType: true, IsGenericType: true } && type.Type.IsAssignableTo(typeof(ITuple)))
        {
            foreach (JsonPropertyInfo element in type.Properties) element.IsRequired = true;
            return;
        }
        foreach (JsonPropertyInfo property in type.Properties)
            if (property.AssociatedParameter is { HasDefaultValue: false } && IsLeftOut(property)) property.IsRequired = false;
        JsonPropertyInfo[] endangered = [.. type.Properties.Where(IsEndangered)];
        if (endangered.Length == 0) return;
        Action<object>? before = type.OnDeserialized;
        type.OnDeserialized = value =>
        {
            before?.Invoke(value);
            if (Array.Find(endangered, property => property.Get!(value) is null) is { } missing) throw new JsonException(JsonMistakes.Missing(type.Type, missing.Name));
        };
    }

    /// <summary>Whether the user's options leave the member out where it is null, or its type's default: then that is what it is where it is missing.</summary>
    private static bool IsLeftOut(JsonPropertyInfo property)
    {
        object[] ignored = property.AttributeProvider?.GetCustomAttributes(typeof(JsonIgnoreAttribute), inherit: true) ?? [];
        return (ignored is [JsonIgnoreAttribute own, ..] ? own.Condition : property.Options.DefaultIgnoreCondition) switch
        {
            JsonIgnoreCondition.WhenWritingNull => property.IsGetNullable,
            JsonIgnoreCondition.WhenWritingDefault => property.IsGetNullable || (property.PropertyType.IsValueType && Nullable.GetUnderlyingType(property.PropertyType) is null),
            _ => false,
        };
    }

    private static bool IsEndangered(JsonPropertyInfo property)
        => property is { Get: not null, IsGetNullable: false, IsRequired: false, IsExtensionData: false } && !property.PropertyType.IsValueType
            && (property.Set is not null || property.AssociatedParameter is not null)
            && property.AssociatedParameter is not { HasDefaultValue: false };          // such a parameter must be given
}
