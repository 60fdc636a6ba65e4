using System.Collections.Concurrent;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Sluice.Storage;

/// <summary>The serializers of an application: finds or creates the serializer of each type.</summary>
/// <remarks>
/// <para>Immutable and thread-safe.</para>
/// <para>
/// <see cref="Compressed"/> and <see cref="Signed"/> apply to all types. In any order of calls, payloads are compressed first, then signed.
/// docs/payloads.md describes the format.
/// </para>
/// </remarks>
/// <example><code>
/// var keys = new PayloadKeys("2026-11", key);
/// PayloadSerializers serializers = PayloadSerializers.JsonOf(ShopJson.Default).Compressed(over: 4096).Signed(keys);
/// </code></example>
public sealed class PayloadSerializers
{
    private readonly ConcurrentDictionary<Type, object> bare = new();
    private readonly ConcurrentDictionary<Type, object> layered = new();
    private readonly Dictionary<Type, object> given;
    private readonly JsonSource json;
    private readonly PayloadCompressor? compressor;
    private readonly PayloadSigner? signer;

    private PayloadSerializers(Dictionary<Type, object> given, JsonSource json, PayloadCompressor? compressor = null,
        PayloadSigner? signer = null)
        => (this.given, this.json, this.compressor, this.signer) = (given, json, compressor, signer);

    /// <summary>
    /// JSON with metadata from reflection for every type; byte arrays unchanged. Without reflection (trimmed programs), use
    /// <see cref="JsonOf(JsonSerializerContext)"/>.
    /// </summary>
    public static PayloadSerializers Json { get; } = new([], new(null, null));

    /// <summary>Creates serializers for JSON with generated metadata, for trimmed and AOT programs.</summary>
    /// <param name="context">A context that contains the types.</param>
    public static PayloadSerializers JsonOf(JsonSerializerContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        return new([], new(context, context.Options));
    }

    /// <summary>Creates serializers for JSON with options: names, converters, resolvers (for example several generated contexts).</summary>
    /// <param name="options">Options with a resolver. Settings that payloads need are added; see docs/payloads.md.</param>
    /// <exception cref="ArgumentException">The options have no resolver.</exception>
    public static PayloadSerializers JsonOf(JsonSerializerOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        if (options.TypeInfoResolver is null)
            throw new ArgumentException(
                "The JsonSerializerOptions have no TypeInfoResolver: set it to a generated context, or to a DefaultJsonTypeInfoResolver, "
                    + "which reflects.", nameof(options));
        return new([], new(null, options));
    }

    /// <summary>Returns a copy with another rule for unknown members of stored JSON.</summary>
    /// <param name="handling">
    /// <see cref="JsonUnmappedMemberHandling.Skip"/>, the default, ignores members that a newer program has added;
    /// <see cref="JsonUnmappedMemberHandling.Disallow"/> refuses them. Data from HTTP and TCP may have none in either case.
    /// </param>
    public PayloadSerializers Unmapped(JsonUnmappedMemberHandling handling)
    {
        if (!Enum.IsDefined(handling)) throw new ArgumentOutOfRangeException(nameof(handling), handling, "There is no such rule.");
        return new(given, json.Unmapped(handling), compressor, signer);
    }

    /// <summary>A copy without compression and signatures: equal values have equal bytes.</summary>
    internal PayloadSerializers Unsealed => new(given, json);

    /// <summary>Returns a copy with your serializer for one type.</summary>
    public PayloadSerializers With<T>(IPayloadSerializer<T> serializer)
    {
        ArgumentNullException.ThrowIfNull(serializer);
        var more = new Dictionary<Type, object>(given) { [typeof(T)] = serializer };
        return new(more, json, compressor, signer);
    }

    /// <summary>Returns a copy that compresses long payloads; it reads both compression methods.</summary>
    /// <param name="over">
    /// The length in bytes, zero or more, above which payloads are compressed, unless that makes them longer. <see cref="int.MaxValue"/>
    /// compresses none, and still reads compressed ones.
    /// </param>
    /// <param name="method">The compression method.</param>
    /// <param name="maxBytes">
    /// The maximum length of an uncompressed payload, in bytes, 1 or more; 16 MiB by default. A payload that declares a greater length is
    /// refused before it is decompressed.
    /// </param>
    /// <param name="readsUncompressed">Whether to accept payloads from before there was compression; otherwise they are refused.</param>
    /// <exception cref="ArgumentOutOfRangeException">A number is out of its range.</exception>
    public PayloadSerializers Compressed(int over = 1024, PayloadCompression method = PayloadCompression.Brotli, int maxBytes = 16 << 20,
        bool readsUncompressed = false)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(over);
        ArgumentOutOfRangeException.ThrowIfLessThan(maxBytes, 1);
        if (!Enum.IsDefined(method)) throw new ArgumentOutOfRangeException(nameof(method), method, "There is no such compression.");
        return new(given, json, new(over, method, maxBytes, readsUncompressed), signer);
    }

    /// <summary>
    /// Returns a copy that signs payloads (HMAC-SHA256). Payloads that were changed, are unsigned, or have an unknown key are refused
    /// before they are parsed.
    /// </summary>
    /// <remarks>
    /// A signature covers the payload and the name of its stream (<see cref="In"/>; consecutors and flows call it). It does not cover keys,
    /// headers, times and positions. A writer to the store can still repeat, drop and reorder entries of a stream, and change the state of
    /// nodes.
    /// </remarks>
    /// <param name="keys">The key that signs, and the keys that verify.</param>
    /// <param name="readsUnsigned">
    /// Whether to accept unsigned payloads. Use it while old ones are still stored; until then, anyone can add unsigned ones.
    /// </param>
    public PayloadSerializers Signed(PayloadKeys keys, bool readsUnsigned = false)
    {
        ArgumentNullException.ThrowIfNull(keys);
        return new(given, json, compressor, new(keys, null, readsUnsigned));
    }

    /// <summary>
    /// Returns a copy for payloads of one stream: their signatures are invalid in other streams. Consecutors and flows call it themselves.
    /// </summary>
    /// <param name="stream">The name of the stream.</param>
    public PayloadSerializers In(string stream)
    {
        ArgumentNullException.ThrowIfNull(stream);
        return signer is null ? this : new(given, json, compressor, signer.In(stream));
    }

    /// <summary>Returns the serializer of a type.</summary>
    /// <exception cref="PayloadException">The type has no serializer.</exception>
    public IPayloadSerializer<T> For<T>()
        => HasLayers
            ? (IPayloadSerializer<T>)layered.GetOrAdd(typeof(T),
            static (_, all) => new SealedPayloadSerializer<T>(all.Bare<T>(), all.compressor, all.signer), this)
            : Bare<T>();

    /// <summary>Whether payloads are compressed or signed.</summary>
    internal bool HasLayers => compressor is not null || signer is not null;

    /// <summary>A copy without compression and signatures, for data that does not come from a stream.</summary>
    internal PayloadSerializers Plain => HasLayers ? new(given, json) : this;

    /// <summary>Reads and writes payloads as they are, also if the application has a serializer of its own for byte arrays.</summary>
    internal IPayloadSerializer<byte[]> Raw => With(PayloadSerializer.Bytes).For<byte[]>();

    private IPayloadSerializer<T> Bare<T>()
        => given.TryGetValue(typeof(T), out object? one) ? (IPayloadSerializer<T>)one
        : (IPayloadSerializer<T>)bare.GetOrAdd(typeof(T), static (_, json) => Make<T>(json), json);

    private static object Make<T>(JsonSource json) => typeof(T) == typeof(byte[]) ? PayloadSerializer.Bytes : json.Make<T>();

    /// <summary>Whether another program can read the payloads of a type without knowing these serializers: they are JSON, or plain
    /// bytes.</summary>
    internal bool AreJson(Type type) => !HasLayers && !given.ContainsKey(type);

    /// <returns>The JSON schema of a type's payloads; null if there is none, or a serializer of the user's own writes them.</returns>
    internal JsonElement? SchemaOf(Type type) => type == typeof(byte[]) || given.ContainsKey(type) ? null : json.SchemaOf(type);

    /// <summary>Checks for the serializer of a type that is known only at run time.</summary>
    /// <returns>The reason why <see cref="For"/> would refuse the type; null if it would not.</returns>
    internal string? Lacks(Type type) => type == typeof(byte[]) || given.ContainsKey(type) ? null : json.Lacks(type);
}
