namespace Sluice.Producers;

/// <summary>The position in a text, and a checksum that recognises the text. Stored with the accepted lines.</summary>
/// <param name="Offset">In bytes; zero for a text that cannot seek.</param>
/// <param name="Line">The number of lines read.</param>
/// <param name="Length"> The number of bytes that the sum covers: the beginning of a file, as far as it was read, at most 256; the bytes
/// behind may be repaired. Zero for a text that cannot seek, where the sum covers all lines read.
/// </param>
/// <param name="Sum">The checksum (<see cref="Checksum"/>).</param>
internal readonly record struct LinePosition(long Offset, long Line, int Length, uint Sum)
{
    private const int Size = 24;
    private const int HeadBytes = 256;

    /// <param name="bytes">A result of <see cref="ToBytes"/>; empty for the beginning.</param>
    public static LinePosition Read(ReadOnlyMemory<byte> bytes)
    {
        if (bytes.IsEmpty) return default;
        ReadOnlySpan<byte> span = bytes.Span;
        return new(BinaryPrimitives.ReadInt64LittleEndian(span), BinaryPrimitives.ReadInt64LittleEndian(span[8..]),
            BinaryPrimitives.ReadInt32LittleEndian(span[16..]), BinaryPrimitives.ReadUInt32LittleEndian(span[20..]));
    }

    /// <summary>The position behind one more line of a file.</summary>
    /// <param name="line">The bytes of the line, with its end.</param>
    public LinePosition Behind(ReadOnlySpan<byte> line)
    {
        ReadOnlySpan<byte> head = line[..Math.Min(line.Length, HeadBytes - Length)];
        return new(Offset + line.Length, Line + 1, Length + head.Length, head.IsEmpty ? Sum : Checksum.Of(head, Sum));
    }

    /// <summary>What was accepted before the position, with its verb, for messages.</summary>
    /// <param name="isBegun">Whether a part of the line behind the position was accepted.</param>
    public string Accepted(bool isBegun) => (isBegun, Line) switch
    {
        (true, 0) => "a part was",
        (_, 1) => isBegun ? "more than 1 line was" : "1 line was",
        _ => $"{(isBegun ? "more than " : "")}{Amounts.Of(Line, "line")} were",
    };

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
