namespace Sluice.Producers;

/// <summary>
/// The read offset of one followed file, with checksums that recognise the file under another name. Stored with the accepted lines.
/// </summary>
/// <param name="File">The id of the followed path (<see cref="LogPaths.IdOf"/>).</param>
/// <param name="Offset">The offset behind the last line taken.</param>
/// <param name="Line">The number of lines taken.</param>
/// <param name="HeadLength">The number of bytes that <paramref name="HeadSum"/> covers: the first 256 of the file. In a shorter file,
/// all complete lines that the reader has seen, also behind the offset: files may begin alike.</param>
/// <param name="HeadSum">The checksum of the head.</param>
/// <param name="TailSum">The checksum of the 256 bytes before the offset, or of fewer.</param>
/// <param name="Written">The time of the last write to the file that the reader saw, in ticks of UTC.</param>
internal readonly record struct LogRow(UInt128 File, long Offset, long Line, ushort HeadLength, uint HeadSum, uint TailSum, long Written)
{
    public const int Size = 50;
    public const int Sampled = 256;

    /// <summary>The number of bytes before the offset that the tail's checksum covers.</summary>
    public int TailLength => (int)Math.Min(Offset, Sampled);

    public static LogRow Read(ReadOnlySpan<byte> bytes) => new(
        BinaryPrimitives.ReadUInt128LittleEndian(bytes), BinaryPrimitives.ReadInt64LittleEndian(bytes[16..]),
            BinaryPrimitives.ReadInt64LittleEndian(bytes[24..]),
        BinaryPrimitives.ReadUInt16LittleEndian(bytes[32..]), BinaryPrimitives.ReadUInt32LittleEndian(bytes[34..]),
            BinaryPrimitives.ReadUInt32LittleEndian(bytes[38..]),
        BinaryPrimitives.ReadInt64LittleEndian(bytes[42..]));

    public void Write(Span<byte> bytes)
    {
        BinaryPrimitives.WriteUInt128LittleEndian(bytes, File);
        BinaryPrimitives.WriteInt64LittleEndian(bytes[16..], Offset);
        BinaryPrimitives.WriteInt64LittleEndian(bytes[24..], Line);
        BinaryPrimitives.WriteUInt16LittleEndian(bytes[32..], HeadLength);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes[34..], HeadSum);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes[38..], TailSum);
        BinaryPrimitives.WriteInt64LittleEndian(bytes[42..], Written);
    }

    /// <summary>The row with a head that covers the lines behind the offset, too. Its head may not be full.</summary>
    /// <param name="lines">The bytes behind the offset: complete lines, or at least 256 bytes of one.</param>
    public LogRow Seeing(ReadOnlySpan<byte> lines)
    {
        (int from, int to) = ((int)(HeadLength - Offset), (int)Math.Min(lines.Length, Sampled - Offset));
        return to <= from ? this
            : this with { HeadLength = (ushort)(Offset + to), HeadSum = Checksum.Of(lines[from..to], HeadSum) };
    }

    /// <summary>The row behind one more line, which the head covers (<see cref="Seeing"/>).</summary>
    /// <param name="length">The length of the line with its end.</param>
    /// <param name="tail">The bytes before the new offset, as many as the new row's <see cref="TailLength"/>.</param>
    public LogRow Behind(long length, ReadOnlySpan<byte> tail)
        => this with { Offset = Offset + length, Line = Line + 1, TailSum = Checksum.Of(tail) };
}
