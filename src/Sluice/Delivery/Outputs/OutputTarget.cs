using System.Buffers;

namespace Sluice.Delivery;

/// <summary>The target of a named output: a consecutor over the same store, and the mode.</summary>
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

    /// <summary>Makes the payload and the key of an entry of the target. An exception of the target's key function is passed on.</summary>
    /// <exception cref="PayloadException">The item cannot be written, or its entry is too long.</exception>
    public (byte[] Payload, EntryKey Key) Write(string output, T item, int headers)
    {
        EntryKey key = Core.Stream.KeyOf is Func<T, string?> keyOf && keyOf(item) is { } text ? EntryKey.Of(text) : default;
        ArrayBufferWriter<byte> bytes = spare ?? new();
        spare = null;
        bytes.ResetWrittenCount();
        try
        {
            serializer.Serialize(item, bytes);
        }
        catch (Exception e)
        {
            throw new PayloadException(
                $"A value of the type {TypeNames.Of(typeof(T))} for {Core.Name}, from the output '{output}', could not be "
                    + $"written: {FailureText.MessageOf(e)}", e);
        }
        byte[] payload = bytes.WrittenSpan.ToArray();
        spare = bytes;
        long length = payload.Length + (long)headers;
        if (length <= Core.Stream.MaxEntryBytes) return (payload, key);
        throw new PayloadException(
            $"A value of the type {TypeNames.Of(typeof(T))} for {Core.Name}, from the output '{output}', has {length:N0} bytes with "
                + $"headers, the limit is {Core.Stream.MaxEntryBytes:N0} (MaxEntryBytes). "
            + "Store it elsewhere and put out a reference, or raise the limit.");
    }
}
