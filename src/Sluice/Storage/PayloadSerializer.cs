using System.Buffers;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;

namespace Sluice.Storage;

/// <summary>Creates serializers, and reads payloads with errors that name their entry.</summary>
public static class PayloadSerializer
{
    private static JsonSerializerOptions? reflected;

    /// <summary>
    /// Creates a JSON serializer (UTF-8) with generated metadata, for trimmed and AOT programs. Reads strictly; see docs/payloads.md.
    /// </summary>
    /// <param name="type">The metadata; for example <c>ShopJson.Default.Payment</c> of your <see cref="JsonSerializerContext"/>.</param>
    /// <exception cref="PayloadException">A value of this type would not come back complete; the message lists the losses.</exception>
    public static IPayloadSerializer<T> Json<T>(JsonTypeInfo<T> type)
    {
        ArgumentNullException.ThrowIfNull(type);

        // Metadata that was changed by hand differs from its options: it is used as it is.
        if (!type.Options.TryGetTypeInfo(typeof(T), out JsonTypeInfo? known) || !ReferenceEquals(known, type))
            return new JsonPayloadSerializer<T>(type, form: null);
        return Json<T>(JsonForm.Of(type.Options)) ?? new JsonPayloadSerializer<T>(type, form: null);
    }

    /// <summary>Creates a JSON serializer (UTF-8) with the metadata of a generated context.</summary>
    /// <param name="context">A context that contains <typeparamref name="T"/>.</param>
    /// <exception cref="ArgumentException">The context does not contain the type.</exception>
    public static IPayloadSerializer<T> Json<T>(JsonSerializerContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        return context.GetTypeInfo(typeof(T)) is JsonTypeInfo<T> type
            ? Json(type)
            : throw new ArgumentException(
            $"{context.GetType().Name} does not know {TypeNames.Of(typeof(T))}: add [JsonSerializable(typeof({TypeNames.Of(typeof(T))}))] "
                + $"to it.", nameof(context));
    }

    /// <summary>Creates a JSON serializer (UTF-8) with options: names, converters, resolvers.</summary>
    /// <param name="options">
    /// Options whose resolver knows <typeparamref name="T"/>. Settings that payloads need are added; see docs/payloads.md.
    /// </param>
    /// <exception cref="ArgumentException">The options have no resolver, or it does not know the type.</exception>
    /// <exception cref="PayloadException">A value of this type would not come back complete; the message lists the losses.</exception>
    public static IPayloadSerializer<T> Json<T>(JsonSerializerOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        return Json<T>(JsonForm.Of(options)) ?? throw new ArgumentException(Unresolved(typeof(T)), nameof(options));
    }

    internal static IPayloadSerializer<T>? Json<T>(JsonForm form)
        => form.Find<T>() is { } type ? new JsonPayloadSerializer<T>(type, form) : null;

    internal static string Unresolved(Type type)
        => $"The JsonSerializerOptions do not know {TypeNames.Of(type)}: set TypeInfoResolver to a generated context with "
        + $"[JsonSerializable(typeof({TypeNames.Of(type)}))], or to a DefaultJsonTypeInfoResolver, which reflects.";

    /// <summary>
    /// Returns a stricter serializer for data from outside. JSON members may have any casing; unknown and duplicate ones are refused. Other
    /// serializers are unchanged.
    /// </summary>
    /// <remarks>
    /// <c>MapProducer</c> and <see cref="Source.Tcp{T}"/> call it themselves. A <see cref="JsonUnmappedMemberHandlingAttribute"/> on a type
    /// allows unknown members.
    /// </remarks>
    public static IPayloadSerializer<T> AtDoor<T>(this IPayloadSerializer<T> serializer)
    {
        ArgumentNullException.ThrowIfNull(serializer);
        return serializer is IDoorSerializer<T> { AtDoor: { } other } ? other : serializer;
    }

    /// <summary>Creates a JSON serializer (UTF-8) with metadata from reflection. It includes fields, and so tuples.</summary>
    /// <exception cref="PayloadException">A value of this type would not come back complete; the message lists the losses.</exception>
    [RequiresUnreferencedCode("Reflects over the type; give a JsonTypeInfo<T> where the program is trimmed.")]
    [RequiresDynamicCode("Makes code at run time; give a JsonTypeInfo<T> where the program is compiled ahead of time.")]
    public static IPayloadSerializer<T> Json<T>()
    {
        return Json<T>(Reflected);
    }

    internal static JsonSerializerOptions Reflected
    {
        [RequiresUnreferencedCode("Reflects over types.")]
        [RequiresDynamicCode("Makes code at run time.")]
        get => reflected ??= JsonForm.Reflected();
    }

    /// <summary>The serializer of byte arrays; it copies them unchanged.</summary>
    public static IPayloadSerializer<byte[]> Bytes { get; } = new BytesPayloadSerializer();

    /// <summary>Reads the payload of an entry.</summary>
    /// <param name="serializer">The serializer.</param>
    /// <param name="entry">The entry.</param>
    /// <param name="stream">The stream of the entry, for errors.</param>
    /// <param name="partition">The partition of the entry, for errors.</param>
    /// <exception cref="PayloadException">The payload cannot be read; the message names the entry.</exception>
    public static T Read<T>(this IPayloadSerializer<T> serializer, in Entry entry, string stream, int partition)
    {
        ArgumentNullException.ThrowIfNull(serializer);
        try
        {
            return serializer.Deserialize(entry.Payload.Span);
        }
        catch (Exception failure)
        {
            throw new PayloadException(
                $"Entry {entry.IdIn(stream, partition)} of the stream {stream} is no {TypeNames.Of(typeof(T))} "
                + $"({entry.Payload.Length:N0} bytes, written by code version {entry.CodeVersion}): {failure.Message}", failure);
        }
    }
}

/// <summary>A serializer with stricter variants; null where it has none.</summary>
internal interface IDoorSerializer<T>
{
    /// <summary>For data from outside.</summary>
    IPayloadSerializer<T>? AtDoor { get; }

    /// <summary>For what this program has written: as the serializer, but unknown members are an error.</summary>
    IPayloadSerializer<T>? Exact { get; }
}

internal sealed class JsonPayloadSerializer<T> : IPayloadSerializer<T>, IDoorSerializer<T>
{
    private readonly JsonTypeInfo<T> type;
    private readonly JsonForm? form;
    private JsonPayloadSerializer<T>? exact;

    // One writer per thread, because its creation costs more than a small payload. Nested use (a converter that serializes) creates its
    // own.
    [ThreadStatic] private static Utf8JsonWriter? spare;

    // The target of an unused writer, so that the writer keeps no batch alive; never written to.
    private static readonly RecordWriter Nowhere = new();

    /// <param name="type">The metadata of the values.</param>
    /// <param name="form">The options behind it; null if there is no stricter variant.</param>
    public JsonPayloadSerializer(JsonTypeInfo<T> type, JsonForm? form)
    {
        JsonLosses.Refuse(type);
        (this.type, this.form) = (type, form);
    }

    public IPayloadSerializer<T>? AtDoor => form is null ? null : new JsonPayloadSerializer<T>(form.AtDoor<T>(), form: null);

    public IPayloadSerializer<T>? Exact => form is null ? null : exact ??= new JsonPayloadSerializer<T>(form.Exact<T>(), form: null);

    public void Serialize(T value, IBufferWriter<byte> to)
    {
        if (!typeof(T).IsSealed && value is not null && JsonLosses.OfDerived(type, value) is { } loss)
            throw new NotSupportedException(loss);
        Utf8JsonWriter? writer = spare;
        spare = null;
        if (writer is null) writer = new(to);
        else writer.Reset(to);
        try
        {
            JsonSerializer.Serialize(writer, value, type);
            writer.Flush();
        }
        catch (Exception e) when (e is ArgumentException or JsonException && NamesOption(e.Message))
        {
            throw new PayloadException($"{JsonMistakes.WithShortPath(e.Message)} Give such options to Sluice by the option Serializers = "
                + "PayloadSerializers.JsonOf(your JsonSerializerOptions, with a TypeInfoResolver).", e);
        }
        finally
        {
            writer.Reset(Nowhere);
        }
        spare = writer;
    }

    // The advice for numbers without a JSON form, and for cycles.
    private static bool NamesOption(string advice) => advice.Contains("JsonNumberHandling", StringComparison.Ordinal)
        || advice.Contains("ReferenceHandler", StringComparison.Ordinal);

    public T Deserialize(ReadOnlySpan<byte> payload)
    {
        try
        {
            return JsonSerializer.Deserialize(payload, type)!;
        }
        catch (JsonException e)
        {
            throw PayloadMark.Hint(payload) is { } hint ? new JsonException(hint, e) : JsonMistakes.InPlainWords(e, type);
        }
    }
}

internal sealed class BytesPayloadSerializer : IPayloadSerializer<byte[]>
{
    public void Serialize(byte[] value, IBufferWriter<byte> to)
        => to.Write(value ?? throw new PayloadException("null has no form as bytes: it would come back as an empty array."));

    public byte[] Deserialize(ReadOnlySpan<byte> payload) => payload.ToArray();
}
