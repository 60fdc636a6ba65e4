using System.Buffers.Binary;

namespace Sluice;

/// <summary>Where the reading of a text goes on, and how to recognise that it is the same text. Stored with what was accepted.</summary>
/// <param name="Offset">In bytes; zero for a text that cannot seek.</param>
/// <param name="Line">How many lines were read.</param>
/// <param name="Length">
/// How many bytes the sum is of: the beginning of a file, as far as it was read: what is behind it may be repaired. Zero for a text that cannot seek: there it is of all lines read.
/// </param>
/// <param name="Sum">The checksum (<see cref="Checksum"/>).</param>
internal readonly record struct LinePosition(long Offset, long Line, int Length, uint Sum)
{
    private const int Size = 24;
    private const int HeadBytes = 256;

    /// <param name="bytes">What <see cref="ToBytes"/> made; empty for the beginning.</param>
    public static LinePosition Read(ReadOnlyMemory<byte> bytes)
    {
        if (bytes.IsEmpty) return default;
        ReadOnlySpan<byte> span = bytes.Span;
        return new(BinaryPrimitives.ReadInt64LittleEndian(span), BinaryPrimitives.ReadInt64LittleEndian(span[8..]),
            BinaryPrimitives.ReadInt32LittleEndian(span[16..]), BinaryPrimitives.ReadUInt32LittleEndian(span[20..]));
    }

    /// <summary>Behind one more line of a file.</summary>
    /// <param name="line">Its bytes, with its end.</param>
    public LinePosition Behind(ReadOnlySpan<byte> line)
    {
        ReadOnlySpan<byte> head = line[..Math.Min(line.Length, HeadBytes - Length)];
        return new(Offset + line.Length, Line + 1, Length + head.Length, head.IsEmpty ? Sum : Checksum.Of(head, Sum));
    }

    public byte[] ToBytes()
    {
        byte[] bytes = new byte[Size];
        BinaryPrimitives.WriteInt64LittleEndian(bytes, Offset);
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(8), Line);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(16), Length);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(20), Sum);
        return bytes;
    }
}
