using System.Buffers;

namespace Sluice.Storage;

/// <summary>Wraps a serializer: its payloads are compressed, then signed; reading removes the layers.</summary>
internal sealed class SealedPayloadSerializer<T>(IPayloadSerializer<T> inner, PayloadCompressor? compressor, PayloadSigner? signer)
    : IPayloadSerializer<T>, IDoorSerializer<T>
{
    private const int MaxKept = 1 << 20;

    // Nested use (a serializer that serializes) creates its own.
    [ThreadStatic] private static RecordWriter? spare;
    [ThreadStatic] private static RecordWriter? spareInner;

    public IPayloadSerializer<T>? AtDoor => inner.AtDoor() is var other && ReferenceEquals(other, inner) ? null
        : new SealedPayloadSerializer<T>(other, compressor, signer);

    public IPayloadSerializer<T>? Exact => null;

    public void Serialize(T value, IBufferWriter<byte> to)
    {
        RecordWriter writer = Take(ref spare);
        try
        {
            signer?.Begin(writer);
            if (compressor is null) inner.Serialize(value, writer);
            else Compress(value, writer);
            signer?.End(writer);
            to.Write(writer.Memory.Span);
        }
        finally
        {
            Give(writer, ref spare);
        }
    }

    public T Deserialize(ReadOnlySpan<byte> payload)
    {
        if (signer is not null) payload = signer.Read(payload);
        if (compressor is null) return inner.Deserialize(payload);
        RecordWriter scratch = Take(ref spareInner);
        try
        {
            return inner.Deserialize(compressor.Read(payload, scratch));
        }
        finally
        {
            Give(scratch, ref spareInner);
        }
    }

    private void Compress(T value, RecordWriter writer)
    {
        RecordWriter bare = Take(ref spareInner);
        try
        {
            inner.Serialize(value, bare);
            compressor!.Write(bare.Memory.Span, writer);
        }
        finally
        {
            Give(bare, ref spareInner);
        }
    }

    private static RecordWriter Take(ref RecordWriter? kept)
    {
        RecordWriter writer = kept ?? new();
        kept = null;
        return writer;
    }

    private static void Give(RecordWriter writer, ref RecordWriter? kept)
    {
        writer.Truncate(0);
        if (writer.Capacity > MaxKept) writer.Dispose();        // one large payload is no reason to keep so much memory
        kept = writer;
    }
}
