using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;

namespace Sluice;

/// <summary>Makes serializers, and reads payloads with errors that name their entry.</summary>
public static class PayloadSerializer
{
    private static JsonSerializerOptions? reflected;

    /// <summary>JSON in UTF-8, with generated metadata: works trimmed and compiled ahead of time. Read strictly, as docs/payloads.md says.</summary>
    /// <param name="type">For example <c>ShopJson.Default.Payment</c>, of a <see cref="JsonSerializerContext"/> of yours.</param>
    /// <exception cref="PayloadException">A value of this type would not come back as it was; the message says what would be lost.</exception>
    public static IPayloadSerializer<T> Json<T>(JsonTypeInfo<T> type)
    {
        ArgumentNullException.ThrowIfNull(type);

        // One that was changed by hand is not what its options know: then it is used as it is.
        if (!type.Options.TryGetTypeInfo(typeof(T), out JsonTypeInfo? known) || !ReferenceEquals(known, type)) return new JsonPayloadSerializer<T>(type, form: null);
        return Json<T>(JsonForm.Of(type.Options)) ?? new JsonPayloadSerializer<T>(type, form: null);
    }

    /// <summary>JSON in UTF-8, with the metadata that a context was generated with.</summary>
    /// <param name="context">A context that knows <typeparamref name="T"/>.</param>
    /// <exception cref="ArgumentException">It does not.</exception>
    public static IPayloadSerializer<T> Json<T>(JsonSerializerContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        return context.GetTypeInfo(typeof(T)) is JsonTypeInfo<T> type
            ? Json(type)
            : throw new ArgumentException($"{context.GetType().Name} does not know {TypeNames.Of(typeof(T))}: add [JsonSerializable(typeof({TypeNames.Of(typeof(T))}))] to it.", nameof(context));
    }

    /// <summary>JSON in UTF-8 as options say: names, converters, resolvers.</summary>
    /// <param name="options">Options with a resolver that knows <typeparamref name="T"/>. What payloads need is added: see docs/payloads.md.</param>
    /// <exception cref="ArgumentException">They have none, or it does not.</exception>
    /// <exception cref="PayloadException">A value of this type would not come back as it was; the message says what would be lost.</exception>
    public static IPayloadSerializer<T> Json<T>(JsonSerializerOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        return Json<T>(JsonForm.Of(options)) ?? throw new ArgumentException(Unresolved(typeof(T)), nameof(options));
    }

    internal static IPayloadSerializer<T>? Json<T>(JsonForm form) => form.Find<T>() is { } type ? new JsonPayloadSerializer<T>(type, form) : null;

    internal static string Unresolved(Type type)
        => $"The JsonSerializerOptions do not know {TypeNames.Of(type)}: set TypeInfoResolver to a generated context with [JsonSerializable(typeof({TypeNames.Of(type)}))], or to a DefaultJsonTypeInfoResolver, which reflects.";

    /// <summary>The same for what comes from outside. JSON: members in any casing; those that are unknown, or there twice, are refused. Other serializers stay as they are.</summary>
    /// <remarks><c>MapProducer</c> and <see cref="Source.Tcp{T}"/> do this by themselves. <see cref="JsonUnmappedMemberHandlingAttribute"/> at a type lets it have unknown members all the same.</remarks>
    public static IPayloadSerializer<T> AtDoor<T>(this IPayloadSerializer<T> serializer)
    {
        ArgumentNullException.ThrowIfNull(serializer);
        return serializer is IDoorSerializer<T> { AtDoor: { } other } ? other : serializer;
    }

    /// <summary>JSON in UTF-8, with metadata found by reflection; fields, and so tuples, are written as well.</summary>
    /// <exception cref="PayloadException">A value of this type would not come back as it was; the message says what would be lost.</exception>
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

    /// <summary>Bytes as they are.</summary>
    public static IPayloadSerializer<byte[]> Bytes { get; } = new BytesPayloadSerializer();

    /// <summary>Reads the payload of an entry.</summary>
    /// <param name="serializer">How.</param>
    /// <param name="entry">The entry.</param>
    /// <param name="stream">The stream it comes from; named in errors.</param>
    /// <param name="partition">The partition it comes from; named in errors.</param>
    /// <exception cref="PayloadException">The payload cannot be read; names the entry.</exception>
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
                $"Entry {entry.IdIn(stream, partition)} of the stream {stream} is no {typeof(T).Name} ({entry.Payload.Length:N0} bytes, "
                + $"written by code version {entry.CodeVersion}): {failure.Message}", failure);
        }
    }
}

/// <summary>A serializer with another form for what comes from outside.</summary>
internal interface IDoorSerializer<T>
{
    IPayloadSerializer<T>? AtDoor { get; }
}

internal sealed class JsonPayloadSerializer<T> : IPayloadSerializer<T>, IDoorSerializer<T>
{
    private readonly JsonTypeInfo<T> type;
    private readonly JsonForm? form;

    // One writer per thread: making one costs more than writing a small payload. Nested use (a converter that serializes) makes its own.
    [ThreadStatic] private static Utf8JsonWriter? spare;

    // What an unused writer points to, so that it does not keep a batch alive; never written to.
    private static readonly RecordWriter Nowhere = new();

    /// <param name="type">How values are written and read.</param>
    /// <param name="form">Where that comes from; null where there is no other form.</param>
    public JsonPayloadSerializer(JsonTypeInfo<T> type, JsonForm? form)
    {
        JsonLosses.Refuse(type);
        (this.type, this.form) = (type, form);
    }

    public IPayloadSerializer<T>? AtDoor => form is null ? null : new JsonPayloadSerializer<T>(form.AtDoor<T>(), form: null);

    public void Serialize(T value, IBufferWriter<byte> to)
    {
        if (!typeof(T).IsSealed && value is not null && JsonLosses.OfDerived(type, value) is { } loss) throw new NotSupportedException(loss);
        Utf8JsonWriter? writer = spare;
        spare = null;
        if (writer is null) writer = new(to);
        else writer.Reset(to);
        try
        {
            JsonSerializer.Serialize(writer, value, type);
            writer.Flush();
        }
        finally
        {
            writer.Reset(Nowhere);
        }
        spare = writer;
    }

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
    public void Serialize(byte[] value, IBufferWriter<byte> to) => to.Write(value);

    public byte[] Deserialize(ReadOnlySpan<byte> payload) => payload.ToArray();
}
