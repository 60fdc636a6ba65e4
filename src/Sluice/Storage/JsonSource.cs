using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;

namespace Sluice.Storage;

/// <summary>The source of JSON metadata: a generated context, options, or reflection if both are null.</summary>
/// <remarks>Immutable and thread-safe.</remarks>
internal sealed class JsonSource(JsonSerializerContext? context, JsonSerializerOptions? options)
{
    /// <summary>The user's rule for unknown members; null for the rule of the options.</summary>
    private JsonUnmappedMemberHandling? Handling { get; init; }

    private JsonForm? Form => field ??= FindForm();

    public JsonSource Unmapped(JsonUnmappedMemberHandling handling) => new(context, options) { Handling = handling };

    /// <exception cref="PayloadException">The type is unknown.</exception>
    public IPayloadSerializer<T> Make<T>() => (Form is { } form ? PayloadSerializer.Json<T>(form) : null)
        ?? throw new PayloadException(Unknown(typeof(T)));

    /// <returns>The reason why a type has no serializer; null if it has one.</returns>
    public string? Lacks(Type type)
        => Form is { } form && form.Stored.TryGetTypeInfo(type, out JsonTypeInfo? info) ? JsonLosses.Of(info) : Unknown(type);

    [UnconditionalSuppressMessage("Trimming", "IL2026", Justification = "Used only where the program allows serializers to reflect.")]
    [UnconditionalSuppressMessage("AOT", "IL3050", Justification = "Used only where the program allows serializers to reflect.")]
    private JsonForm? FindForm()
    {
        JsonSerializerOptions? of = options ?? (JsonSerializer.IsReflectionEnabledByDefault ? PayloadSerializer.Reflected : null);
        if (of is null) return null;
        return JsonForm.Of(Handling is { } handling ? new(of) { UnmappedMemberHandling = handling } : of);
    }

    /// <returns>The JSON schema of a type; null if there is none.</returns>
    public JsonElement? SchemaOf(Type type) => Form?.SchemaOf(type);

    private string Unknown(Type type)
    {
        string name = TypeNames.Of(type);
        if (context is not null) return $"{context.GetType().Name} does not know {name}: add [JsonSerializable(typeof({name}))] to it.";
        return options is not null ? PayloadSerializer.Unresolved(type)
            : $"There is no serializer for {name}, and this program does not allow JSON to reflect. Give PayloadSerializers.JsonOf(a "
            + $"generated context).";
    }
}
