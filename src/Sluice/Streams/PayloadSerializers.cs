using System.Collections.Concurrent;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Sluice;

/// <summary>Finds the serializer of a type.</summary>
/// <remarks>
/// <para>Immutable and thread-safe.</para>
/// <para>What <see cref="Compressed"/> and <see cref="Signed"/> put around payloads is the same for all types, in whatever order they are called: what is compressed is signed. docs/payloads.md has the form.</para>
/// </remarks>
/// <example><code>
/// PayloadSerializers serializers = PayloadSerializers.JsonOf(ShopJson.Default).Compressed(over: 4096).Signed(new PayloadKeys("2026-11", key));
/// </code></example>
public sealed class PayloadSerializers
{
    private readonly ConcurrentDictionary<Type, object> bare = new();
    private readonly ConcurrentDictionary<Type, object> layered = new();
    private readonly Dictionary<Type, object> given;
    private readonly JsonSource json;
    private readonly PayloadCompressor? compressor;
    private readonly PayloadSigner? signer;

    private PayloadSerializers(Dictionary<Type, object> given, JsonSource json, PayloadCompressor? compressor = null, PayloadSigner? signer = null)
        => (this.given, this.json, this.compressor, this.signer) = (given, json, compressor, signer);

    /// <summary>JSON with metadata found by reflection, for every type; bytes as they are. Where reflection is switched off (trimmed programs), use <see cref="JsonOf(JsonSerializerContext)"/>.</summary>
    public static PayloadSerializers Json { get; } = new([], new(null, null));

    /// <summary>JSON with generated metadata: works trimmed and compiled ahead of time.</summary>
    /// <param name="context">A context that knows the types.</param>
    public static PayloadSerializers JsonOf(JsonSerializerContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        return new([], new(context, context.Options));
    }

    /// <summary>JSON as options say: names, converters, resolvers (several generated contexts, say).</summary>
    /// <param name="options">Options with a resolver. What payloads need is added: see docs/payloads.md.</param>
    /// <exception cref="ArgumentException">They have no resolver.</exception>
    public static PayloadSerializers JsonOf(JsonSerializerOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        if (options.TypeInfoResolver is null)
            throw new ArgumentException("The JsonSerializerOptions have no TypeInfoResolver: set it to a generated context, or to a DefaultJsonTypeInfoResolver, which reflects.", nameof(options));
        return new([], new(null, options));
    }

    /// <summary>The same, with another rule for members of stored JSON that a type does not have.</summary>
    /// <param name="handling">
    /// <see cref="JsonUnmappedMemberHandling.Skip"/>, the default, passes over them, so that an older program reads what a newer one has added to; <see cref="JsonUnmappedMemberHandling.Disallow"/> refuses
    /// them. What comes through HTTP and TCP may have none in either case.
    /// </param>
    public PayloadSerializers Unmapped(JsonUnmappedMemberHandling handling)
    {
        if (!Enum.IsDefined(handling)) throw new ArgumentOutOfRangeException(nameof(handling), handling, "There is no such rule.");
        return new(given, json.Unmapped(handling), compressor, signer);
    }

    /// <summary>The same, neither compressed nor signed: one value has one form.</summary>
    internal PayloadSerializers Unsealed => new(given, json);

    /// <summary>The same with another serializer for one type.</summary>
    public PayloadSerializers With<T>(IPayloadSerializer<T> serializer)
    {
        ArgumentNullException.ThrowIfNull(serializer);
        var more = new Dictionary<Type, object>(given) { [typeof(T)] = serializer };
        return new(more, json, compressor, signer);
    }

    /// <summary>The same, compressing payloads that are longer than so much; both methods are read.</summary>
    /// <param name="over">In bytes, zero or more: payloads of at most this length are stored as they are, and so is what would not get shorter. <see cref="int.MaxValue"/> reads what is compressed, and compresses nothing.</param>
    /// <param name="method">How.</param>
    /// <param name="maxBytes">The longest payload before it is compressed and after it is decompressed, in bytes, 1 or more; 16 MiB unless given. What says that it is longer is refused before it is decompressed.</param>
    /// <param name="readsUncompressed">Whether payloads are read as well that were written before there was compression; else they are refused.</param>
    /// <exception cref="ArgumentOutOfRangeException">A number is out of its range.</exception>
    public PayloadSerializers Compressed(int over = 1024, PayloadCompression method = PayloadCompression.Brotli, int maxBytes = 16 << 20, bool readsUncompressed = false)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(over);
        ArgumentOutOfRangeException.ThrowIfLessThan(maxBytes, 1);
        if (!Enum.IsDefined(method)) throw new ArgumentOutOfRangeException(nameof(method), method, "There is no such compression.");
        return new(given, json, new(over, method, maxBytes, readsUncompressed), signer);
    }

    /// <summary>The same, with signed payloads (HMAC-SHA256): what was changed, is not signed, or signed with a key that is not in the ring, is refused before anything of it is read.</summary>
    /// <remarks>
    /// A signature is about the payload and the name of its stream (<see cref="In"/>; consecutors and flows do that). It is not about keys, headers, times and places of entries: who can write to the store can still
    /// repeat, drop and reorder entries of a stream, and change what nodes remember.
    /// </remarks>
    /// <param name="keys">Which key signs, and which verify.</param>
    /// <param name="readsUnsigned">Whether payloads are read as well that have no signature: while those written before are still there, for as long anybody can add some.</param>
    public PayloadSerializers Signed(PayloadKeys keys, bool readsUnsigned = false)
    {
        ArgumentNullException.ThrowIfNull(keys);
        return new(given, json, compressor, new(keys, null, readsUnsigned));
    }

    /// <summary>The same for payloads of one stream: their signatures do not hold in another one. Consecutors and flows do this by themselves.</summary>
    /// <param name="stream">Its name.</param>
    public PayloadSerializers In(string stream)
    {
        ArgumentNullException.ThrowIfNull(stream);
        return signer is null ? this : new(given, json, compressor, signer.In(stream));
    }

    /// <summary>The serializer of a type.</summary>
    /// <exception cref="PayloadException">There is none.</exception>
    public IPayloadSerializer<T> For<T>()
        => compressor is null && signer is null
            ? Bare<T>()
            : (IPayloadSerializer<T>)layered.GetOrAdd(typeof(T), static (_, all) => new SealedPayloadSerializer<T>(all.Bare<T>(), all.compressor, all.signer), this);

    /// <summary>The same without compression and signatures: for what does not come from a stream.</summary>
    internal PayloadSerializers Plain => compressor is null && signer is null ? this : new(given, json);

    private IPayloadSerializer<T> Bare<T>()
        => given.TryGetValue(typeof(T), out object? one) ? (IPayloadSerializer<T>)one : (IPayloadSerializer<T>)bare.GetOrAdd(typeof(T), static (_, json) => Make<T>(json), json);

    private static object Make<T>(JsonSource json) => typeof(T) == typeof(byte[]) ? PayloadSerializer.Bytes : json.Make<T>();

    /// <summary>Looks for the serializer of a type that is not written down here.</summary>
    /// <returns>Why there is none; null if there is one.</returns>
    internal string? Lacks(Type type) => type == typeof(byte[]) || given.ContainsKey(type) ? null : json.Lacks(type);
}
