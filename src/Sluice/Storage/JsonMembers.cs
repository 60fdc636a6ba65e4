using System.Collections;
using System.Reflection;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;

namespace Sluice.Storage;

/// <summary>Sorts the members of one type: restored when it is read, lost, or computed from restored ones.</summary>
/// <remarks>
/// A member that can be read only is lost if it has a place of its own: it has a setter that is not public, or it is automatic, or it shows
/// a private field that can change. All others are computed. A type that has fields, and of which nothing is restored, is lost as a whole.
/// </remarks>
internal sealed class JsonMembers
{
    private const BindingFlags Own = BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly;

    // Members that say how a collection is kept, not what is in it.
    private static readonly HashSet<string> OfKeeping =
        ["Capacity", "Comparer", "Count", "IsFixedSize", "IsReadOnly", "IsSynchronized", "Keys", "SyncRoot", "Values"];

    private readonly JsonTypeInfo type;

    /// <param name="type">The metadata of an object that is neither abstract nor a collection.</param>
    public JsonMembers(JsonTypeInfo type)
    {
        this.type = type;
        string name = TypeNames.Of(type.Type);
        JsonPropertyInfo[] written = [.. type.Properties.Where(static one => one.Get is not null)];
        Restored = [.. written.Where(IsRestored)];
        foreach (JsonPropertyInfo property in written.Except(Restored))
        {
            if (IsStored(property)) Lost.Add($"{name}.{property.Name} can be read only");
            else if (FieldBehind(property) is { } field)
                Lost.Add($"{name}.{property.Name} can be read only, and shows the field {field.Name} (if it is computed: [JsonIgnore])");
        }
        foreach (FieldInfo field in LeftOut())
            Lost.Add($"{name}.{field.Name} is a field: set IncludeFields in the options (or [JsonSourceGenerationOptions]), or put "
                + "[JsonInclude] on it");
        if (Restored.Length == 0 && Lost.Count == 0 && FieldsOf(type.Type).Any())
            Lost.Add(written.Length == 0 ? $"{name} has nothing that is public" : $"{name} has nothing that can be set");
        else if (Unmakeable() is { } reason) Lost.Add(reason);
    }

    /// <summary>The members that are set when a value is read.</summary>
    public JsonPropertyInfo[] Restored { get; }

    /// <summary>The losses, for people.</summary>
    public List<string> Lost { get; } = [];

    /// <summary>Describes the members of a collection that are not its elements: JSON does not write them.</summary>
    [UnconditionalSuppressMessage("Trimming", "IL2070", Justification = "Members that were trimmed hold nothing that could be lost.")]
    [UnconditionalSuppressMessage("Trimming", "IL2075", Justification = "Of its base types, too.")]
    public static IEnumerable<string> OfCollection(Type type)
    {
        for (Type? at = type; at is { IsArray: false, IsInterface: false } && !IsOfSystem(at); at = at.BaseType)
        {
            IEnumerable<System.Reflection.MemberInfo> data =
            [
                .. at.GetProperties(Own).Where(static one => one.GetMethod is { IsPublic: true } get && one.GetIndexParameters().Length == 0
                    && (one.SetMethod is { IsPublic: true } || (one.SetMethod is null && IsAuto(get)))),
                .. at.GetFields(Own).Where(static one => one.IsPublic && !one.Name.StartsWith('<'))
            ];
            foreach (System.Reflection.MemberInfo member in data)
                if (!OfKeeping.Contains(member.Name) && !member.IsDefined(typeof(JsonIgnoreAttribute), inherit: true))
                    yield return $"{TypeNames.Of(at)}.{member.Name} is not stored, because JSON has only the elements of a collection";
        }
    }

    private static bool IsOfSystem(Type type)
        => type.Namespace is { } name && (name == "System" || name.StartsWith("System.", StringComparison.Ordinal));

    /// <summary>Whether the compiler has written the method, and so a field for its property.</summary>
    private static bool IsAuto(MethodInfo get) => get.IsDefined(typeof(CompilerGeneratedAttribute), inherit: false);

    private bool IsRestored(JsonPropertyInfo property) => property.Set is not null || property.AssociatedParameter is not null
        || property.IsExtensionData || property.ObjectCreationHandling == JsonObjectCreationHandling.Populate
        || (property.ObjectCreationHandling is null
            // System.Text.Json fills neither members of types with a constructor with parameters, or of a base type, nor structures.
            && type.CreateObject is not null && type.PolymorphismOptions is null && !property.PropertyType.IsValueType
            && (type.PreferredPropertyObjectCreationHandling ?? type.Options.PreferredObjectCreationHandling)
                == JsonObjectCreationHandling.Populate
            && type.Options.TryGetTypeInfo(property.PropertyType, out JsonTypeInfo? info) && info.CreateObject is not null);

    /// <summary>Whether a property that is not restored has a field that the compiler has made, or is one.</summary>
    private static bool IsStored(JsonPropertyInfo property) => property.AttributeProvider switch
    {
        PropertyInfo { SetMethod: not null } or FieldInfo => true,
        PropertyInfo { GetMethod: { } get } => IsAuto(get),
        _ => false,
    };

    /// <returns>Why no value can be made; null if it can.</returns>
    private string? Unmakeable()
    {
        if (type.CreateObject is not null || type.PolymorphismOptions is not null) return null;
        JsonParameterInfo[] bound = [.. type.Properties.Select(static one => one.AssociatedParameter).OfType<JsonParameterInfo>()];
        if (type.ConstructorAttributeProvider is MethodBase constructor)
            return constructor.GetParameters().FirstOrDefault(one => !Array.Exists(bound,
                known => known.Position == one.Position && !known.IsMemberInitializer)) is { } odd
                    ? $"the constructor of {TypeNames.Of(type.Type)} takes {odd.Name}, and there is no public member of this name and type"
                    : null;
        return bound.Length > 0 ? null
            : $"{TypeNames.Of(type.Type)} has no constructor that JSON would call ([JsonConstructor] chooses one)";
    }

    /// <summary>The public fields that the options leave out.</summary>
    [UnconditionalSuppressMessage("Trimming", "IL2075", Justification = "Fields that were trimmed hold nothing that could be lost.")]
    private IEnumerable<FieldInfo> LeftOut() => type.Options.IncludeFields ? []
        : type.Type.GetFields(BindingFlags.Instance | BindingFlags.Public).Where(field =>
            !field.IsDefined(typeof(JsonIgnoreAttribute), inherit: true)
            && type.Properties.All(one => one.AttributeProvider is not FieldInfo known || known.Name != field.Name));

    /// <returns>A field that a property without setter shows, that can change, and that no restored member could set; null if there is
    /// none.</returns>
    private FieldInfo? FieldBehind(JsonPropertyInfo property)
    {
        if (property.AttributeProvider is not PropertyInfo { DeclaringType: { } declaring } shown) return null;
        bool isMany = type.Options.TryGetTypeInfo(shown.PropertyType, out JsonTypeInfo? info)
            && info.Kind is JsonTypeInfoKind.Enumerable or JsonTypeInfoKind.Dictionary;
        return FieldsOf(declaring).FirstOrDefault(field => field.DeclaringType == declaring && !field.IsPublic
            && !field.Name.StartsWith('<')           // automatic ones, and parameters of the constructor
            && (isMany && IsGrowing(field.FieldType)
                ? (IsNamed(field, shown) || shown.PropertyType.IsAssignableFrom(field.FieldType))
                    && (field.IsInitOnly || IsNeverNull(field))
                : IsNamed(field, shown) && field.FieldType == shown.PropertyType && !field.IsInitOnly
                    && (field.FieldType.IsValueType || IsNeverNull(field)))
            && !Array.Exists(Restored, one => one.AttributeProvider is PropertyInfo { GetMethod: { } get } other && !IsAuto(get)
                && (IsNamed(field, other) || other.PropertyType.IsAssignableFrom(field.FieldType))));
    }

    private static bool IsNamed(FieldInfo field, PropertyInfo property)
    {
        ReadOnlySpan<char> name = field.Name.StartsWith("m_", StringComparison.Ordinal) ? field.Name.AsSpan(2) : field.Name;
        return name.Trim('_').Equals(property.Name, StringComparison.OrdinalIgnoreCase);
    }

    /// <summary>Whether a value of the type is a collection that can be added to.</summary>
    private static bool IsGrowing(Type type) => type.IsAssignableTo(typeof(IEnumerable)) && type is { IsArray: false, IsValueType: false }
        && type != typeof(string) && !type.Name.Contains("ReadOnly", StringComparison.Ordinal)
        && !type.Name.StartsWith("IEnumerable", StringComparison.Ordinal)
        && type.Namespace is not ("System.Collections.Immutable" or "System.Collections.Frozen");

    /// <summary>Whether a field is declared as not nullable. A nullable one may keep what was computed.</summary>
    private static bool IsNeverNull(FieldInfo field)
    {
        try
        {
            return new NullabilityInfoContext().Create(field).ReadState == NullabilityState.NotNull;
        }
        catch (InvalidOperationException)            // the program was trimmed of this knowledge
        {
            return false;
        }
    }

    [UnconditionalSuppressMessage("Trimming", "IL2070", Justification = "Fields that were trimmed hold nothing that could be lost.")]
    [UnconditionalSuppressMessage("Trimming", "IL2075", Justification = "Of its base types, too.")]
    private static IEnumerable<FieldInfo> FieldsOf(Type type)
    {
        for (Type? at = type; at is not null; at = at.BaseType)
            foreach (FieldInfo field in at.GetFields(Own)) yield return field;
    }
}
