using System.Buffers;

namespace Sluice;

/// <summary>Where a named output leads: a consecutor over the same store.</summary>
internal abstract class OutputTarget(ConsecutorCore core, OutputMode mode)
{
    public ConsecutorCore Core => core;

    public OutputMode Mode => mode;

    public abstract Type Type { get; }
}

/// <remarks>Thread-safe.</remarks>
internal sealed class OutputTarget<T> : OutputTarget
{
    [ThreadStatic] private static ArrayBufferWriter<byte>? spare;

    private readonly IPayloadSerializer<T> serializer;

    public OutputTarget(ConsecutorCore core, OutputMode mode) : base(core, mode) => serializer = core.Options.Serializers.For<T>();

    public override Type Type => typeof(T);

    /// <summary>What an entry of the target is made of. Fails as the item that it is made of does.</summary>
    /// <exception cref="PayloadException">It cannot be written, or is too long.</exception>
    public (byte[] Payload, EntryKey Key) Write(string output, T item, int headers)
    {
        EntryKey key = Core.KeyOf is Func<T, string?> keyOf && keyOf(item) is { } text ? EntryKey.Of(text) : default;
        ArrayBufferWriter<byte> bytes = spare ?? new();
        spare = null;
        bytes.ResetWrittenCount();
        try
        {
            serializer.Serialize(item, bytes);
        }
        catch (Exception e)
        {
            throw new PayloadException($"A {typeof(T).Name} for {Core.Name}, from the output '{output}', could not be written: {e.Message}", e);
        }
        byte[] payload = bytes.WrittenSpan.ToArray();
        spare = bytes;
        long length = payload.Length + (long)headers;
        if (length <= Core.MaxEntryBytes) return (payload, key);
        throw new PayloadException(
            $"A {typeof(T).Name} for {Core.Name}, from the output '{output}', has {length:N0} bytes with headers, the limit is {Core.MaxEntryBytes:N0} (MaxEntryBytes). "
            + "Store it elsewhere and put out a reference, or raise the limit.");
    }
}
