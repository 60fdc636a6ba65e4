using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;

namespace Sluice;

/// <summary>Finds the serializer of a type.</summary>
/// <remarks>Immutable and thread-safe.</remarks>
public sealed class PayloadSerializers
{
    private readonly ConcurrentDictionary<Type, object> known;
    private readonly IJsonTypeInfoResolver? resolver;

    private PayloadSerializers(IEnumerable<KeyValuePair<Type, object>> known, IJsonTypeInfoResolver? resolver)
        => (this.known, this.resolver) = (new(known), resolver);

    /// <summary>JSON with metadata found by reflection, for every type; bytes as they are. Where reflection is switched off (trimmed programs), use <see cref="JsonOf"/>.</summary>
    public static PayloadSerializers Json { get; } = new([], null);

    /// <summary>JSON with generated metadata: works trimmed and compiled ahead of time.</summary>
    /// <param name="context">A context that knows the types.</param>
    public static PayloadSerializers JsonOf(JsonSerializerContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        return new([], context);
    }

    /// <summary>The same with another serializer for one type.</summary>
    public PayloadSerializers With<T>(IPayloadSerializer<T> serializer)
    {
        ArgumentNullException.ThrowIfNull(serializer);
        var more = new Dictionary<Type, object>(known) { [typeof(T)] = serializer };
        return new(more, resolver);
    }

    /// <summary>The serializer of a type.</summary>
    /// <exception cref="PayloadException">There is none.</exception>
    public IPayloadSerializer<T> For<T>()
        => (IPayloadSerializer<T>)known.GetOrAdd(typeof(T), static (_, resolver) => Make<T>(resolver), resolver);

    [UnconditionalSuppressMessage("Trimming", "IL2026", Justification = "Used only where the program allows serializers to reflect.")]
    [UnconditionalSuppressMessage("AOT", "IL3050", Justification = "Used only where the program allows serializers to reflect.")]
    private static object Make<T>(IJsonTypeInfoResolver? resolver)
    {
        if (typeof(T) == typeof(byte[])) return PayloadSerializer.Bytes;
        if (resolver is JsonSerializerContext context)
        {
            return context.GetTypeInfo(typeof(T)) is JsonTypeInfo<T> type
                ? PayloadSerializer.Json(type)
                : throw new PayloadException(Unknown(context, typeof(T)));
        }
        return JsonSerializer.IsReflectionEnabledByDefault ? PayloadSerializer.Json<T>() : throw new PayloadException(Unreflected(typeof(T)));
    }

    /// <summary>Looks for the serializer of a type that is not written down here.</summary>
    /// <returns>Why there is none; null if there is one.</returns>
    internal string? Lacks(Type type)
    {
        if (type == typeof(byte[]) || known.ContainsKey(type)) return null;
        if (resolver is JsonSerializerContext context) return context.GetTypeInfo(type) is null ? Unknown(context, type) : null;
        return JsonSerializer.IsReflectionEnabledByDefault ? null : Unreflected(type);
    }

    private static string Unknown(JsonSerializerContext context, Type type)
        => $"{context.GetType().Name} does not know {TypeNames.Of(type)}: add [JsonSerializable(typeof({TypeNames.Of(type)}))] to it.";

    private static string Unreflected(Type type)
        => $"There is no serializer for {TypeNames.Of(type)}, and this program does not allow JSON to reflect. Give PayloadSerializers.JsonOf(a generated context).";
}
