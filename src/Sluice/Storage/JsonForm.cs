using System.Collections.Concurrent;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;

namespace Sluice.Storage;

/// <summary>
/// Derives the JSON options of all payloads from the user's options: strict ones for stores, stricter ones for input from outside. A
/// required member must be present, and a member that is not nullable must not become null. No other code creates payload options.
/// </summary>
/// <remarks>Immutable and thread-safe. Cached per options object, because JSON options are expensive.</remarks>
internal sealed class JsonForm
{
    private static readonly ConditionalWeakTable<JsonSerializerOptions, JsonForm> Known = [];

    private readonly Lazy<JsonSerializerOptions> door, exactDoor;
    private readonly ConcurrentDictionary<Type, JsonElement?> schemas = new();

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
        door = new(() => DoorOf(new(Stored)
        {
            PropertyNameCaseInsensitive = true,
            PropertyNamingPolicy = Stored.PropertyNamingPolicy ?? JsonNamingPolicy.CamelCase,    // the names in errors
        }));
    }

    /// <summary>
    /// Options for payloads in a store. Unknown members, which a newer program may have added, are skipped, unless the user's options
    /// refuse them.
    /// </summary>
    public JsonSerializerOptions Stored { get; }

    /// <param name="given">The user's options, which resolve the types.</param>
    public static JsonForm Of(JsonSerializerOptions given) => Known.GetValue(given, static one => new(one));

    /// <summary>Options for types resolved by reflection. They include fields, and so tuples.</summary>
    [RequiresUnreferencedCode("Reflects over the types.")]
    [RequiresDynamicCode("Makes code at run time.")]
    public static JsonSerializerOptions Reflected()
    {
        var options = new JsonSerializerOptions(JsonSerializerOptions.Default) { IncludeFields = true };
        options.MakeReadOnly(populateMissingResolver: true);
        return options;
    }

    /// <returns>The metadata of a type; null if the options do not resolve it.</returns>
    public JsonTypeInfo<T>? Find<T>() => Stored.TryGetTypeInfo(typeof(T), out JsonTypeInfo? info) ? (JsonTypeInfo<T>)info : null;

    /// <returns>The JSON schema of a type (<see cref="JsonSchemas.Of"/>); null if there is none, or the options do not resolve the
    /// type.</returns>
    public JsonElement? SchemaOf(Type type) => schemas.GetOrAdd(type, static (known, options)
        => options.TryGetTypeInfo(known, out JsonTypeInfo? info) ? JsonSchemas.Of(info) : null, Stored);

    /// <summary>Returns the metadata for a type that comes from outside: members in any casing, none unknown or duplicate. Errors name
    /// members as senders of JSON write them: <c>id</c>, not <c>Id</c>, unless the user's options or attributes name them.</summary>
    public JsonTypeInfo<T> AtDoor<T>()
    {
        bool isAmbiguous = JsonTypes.Reachable(Stored.GetTypeInfo(typeof(T))).Any(static type =>
            type.Kind == JsonTypeInfoKind.Object && type.Properties.Select(property => property.Name)
            .Distinct(StringComparer.OrdinalIgnoreCase).Count() < type.Properties.Count);
        return (JsonTypeInfo<T>)(isAmbiguous ? exactDoor : door).Value.GetTypeInfo(typeof(T));
    }

    /// <summary>Returns the metadata for a type that has no unknown or duplicate members.</summary>
    public JsonTypeInfo<T> Exact<T>() => (JsonTypeInfo<T>)exactDoor.Value.GetTypeInfo(typeof(T));

    private static JsonSerializerOptions DoorOf(JsonSerializerOptions stored)
    {
        var options = new JsonSerializerOptions(stored)
        {
            UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
            AllowDuplicateProperties = false
        };
        options.MakeReadOnly();
        return options;
    }

    /// <summary>
    /// Refuses null in members that are not nullable: a missing member keeps the default from its type's code, which must not be null. All
    /// elements of a tuple are required, because they have no names that could change, and no defaults.
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
        if (type.Type.IsValueType) JsonStructs.Require(type);
        JsonPropertyInfo[] endangered = [.. type.Properties.Where(IsEndangered)];
        if (endangered.Length == 0) return;
        Action<object>? before = type.OnDeserialized;
        type.OnDeserialized = value =>
        {
            before?.Invoke(value);
            if (Array.Find(endangered, property => property.Get!(value) is null) is { } missing)
                throw new JsonException(JsonMistakes.Missing(type.Type, missing.Name));
        };
    }

    /// <summary>Whether the user's options omit the member if it is null or the default: then a missing member means that value.</summary>
    internal static bool IsLeftOut(JsonPropertyInfo property)
    {
        object[] ignored = property.AttributeProvider?.GetCustomAttributes(typeof(JsonIgnoreAttribute), inherit: true) ?? [];
        return (ignored is [JsonIgnoreAttribute own, ..] ? own.Condition : property.Options.DefaultIgnoreCondition) switch
        {
            JsonIgnoreCondition.Always => true,
            JsonIgnoreCondition.WhenWritingNull => property.IsGetNullable,
            JsonIgnoreCondition.WhenWritingDefault => property.IsGetNullable
                || (property.PropertyType.IsValueType && Nullable.GetUnderlyingType(property.PropertyType) is null),
            _ => false,
        };
    }

    private static bool IsEndangered(JsonPropertyInfo property)
        => property is { Get: not null, IsGetNullable: false, IsRequired: false, IsExtensionData: false }
        && !property.PropertyType.IsValueType
            && (property.Set is not null || property.AssociatedParameter is not null)
            && property.AssociatedParameter is not { HasDefaultValue: false, IsMemberInitializer: false };  // such a parameter is required
}
