using System.Buffers.Binary;
using System.Text;

namespace Sluice;

/// <summary>What is stored, with the items that it is of, of a producer that resumes.</summary>
/// <param name="Parts">How many parts of the root behind the position were accepted.</param>
/// <param name="Kind">What wrote the position: another kind would read something else out of its bytes.</param>
/// <param name="Position">What the producer goes on from.</param>
internal readonly record struct ProducerPosition(long Parts, string Kind, ReadOnlyMemory<byte> Position)
{
    private const int KindAt = sizeof(long) + 1;

    /// <param name="stored">What <see cref="ToBytes"/> made; empty for the beginning.</param>
    /// <param name="source">Who is to go on from there.</param>
    /// <exception cref="InvalidDataException">Another kind of producer has stored it.</exception>
    public static ProducerPosition Read(ReadOnlyMemory<byte> stored, IResumablePump source)
    {
        if (stored.IsEmpty) return new(0, source.Kind, default);
        ReadOnlySpan<byte> bytes = stored.Span;
        int end = KindAt + bytes[sizeof(long)];
        string kind = Encoding.UTF8.GetString(bytes[KindAt..end]);
        if (kind != source.Kind)
        {
            throw new InvalidDataException(
                $"The position of the producer '{source.Name}' was stored by {kind}, and {source.Kind} cannot go on from it. Give each producer a name of its own: "
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
