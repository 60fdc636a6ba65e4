using Sluice.Producers;

namespace Sluice.Delivery;

/// <summary>The resume position of a producer, stored in the same commit as the items it produced.</summary>
/// <param name="Parts">How many parts of the root behind the position were accepted.</param>
/// <param name="Kind">The kind of producer that wrote the position; another kind would misread its bytes.</param>
/// <param name="Position">The position at which the producer resumes.</param>
internal readonly record struct ProducerPosition(long Parts, string Kind, ReadOnlyMemory<byte> Position)
{
    private const int KindAt = sizeof(long) + 1;

    /// <param name="stored">The bytes that <see cref="ToBytes"/> made; empty for the beginning.</param>
    /// <param name="source">The producer that resumes.</param>
    /// <exception cref="InvalidDataException">Another kind of producer has stored the position.</exception>
    public static ProducerPosition Read(ReadOnlyMemory<byte> stored, IResumablePump source)
    {
        if (stored.IsEmpty) return new(0, source.Kind, default);
        ReadOnlySpan<byte> bytes = stored.Span;
        int end = KindAt + bytes[sizeof(long)];
        string kind = Encoding.UTF8.GetString(bytes[KindAt..end]);
        if (kind != source.Kind)
        {
            throw new InvalidDataException(
                $"The position of the producer '{source.Name}' was stored by {kind}, and {source.Kind} cannot go on from it. Give each "
                    + $"producer a name of its own: "
                + "under a new one it begins at the beginning.");
        }
        return new(BinaryPrimitives.ReadInt64LittleEndian(bytes), kind, stored[end..]);
    }

    public byte[] ToBytes()
    {
        int length = Encoding.UTF8.GetByteCount(Kind);
        byte[] bytes = new byte[KindAt + length + Position.Length];
        BinaryPrimitives.WriteInt64LittleEndian(bytes, Parts);
        bytes[sizeof(long)] = (byte)length;
        Encoding.UTF8.GetBytes(Kind, bytes.AsSpan(KindAt));
        Position.CopyTo(bytes.AsMemory(KindAt + length));
        return bytes;
    }
}
