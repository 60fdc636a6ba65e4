using System.Buffers.Binary;

namespace Sluice.Sqlite;

/// <summary>
/// The stored list of a block's chunks: a checksum, then integers of 7 bits per byte. Chunks follow each other without gaps.
/// </summary>
internal static class BlockDirectory
{
    private const int ChecksumBytes = 4;
    private const int MaxBytesOfOne = 6 * 10;

    /// <summary>Writes the list into a buffer, which grows if needed.</summary>
    public static ReadOnlySpan<byte> Write(IReadOnlyList<ChunkPlace> chunks, ref byte[] buffer)
    {
        if (buffer.Length < ChecksumBytes + (chunks.Count * MaxBytesOfOne))
            buffer = new byte[ChecksumBytes + (chunks.Count * MaxBytesOfOne)];
        int at = ChecksumBytes;
        for (int i = 0; i < chunks.Count; i++)
        {
            ChunkPlace chunk = chunks[i];
            Put(buffer, ref at, chunk.Log);
            Put(buffer, ref at, chunk.First);
            Put(buffer, ref at, chunk.Count);
            Put(buffer, ref at, chunk.Bytes);
            Put(buffer, ref at, chunk.Total);
            Put(buffer, ref at, chunk.Length);
        }
        BinaryPrimitives.WriteUInt32LittleEndian(buffer, EntryChunk.Checksum(buffer.AsSpan(ChecksumBytes, at - ChecksumBytes)));
        return buffer.AsSpan(0, at);
    }

    /// <summary>Reads the list; null if it is damaged.</summary>
    public static List<ChunkPlace>? Read(ReadOnlySpan<byte> stored)
    {
        if (stored.Length < ChecksumBytes || BinaryPrimitives.ReadUInt32LittleEndian(stored) != EntryChunk.Checksum(
            stored[ChecksumBytes..])) return null;
        List<ChunkPlace> chunks = [];
        int start = 0;
        for (int at = ChecksumBytes; at < stored.Length;)
        {
            chunks.Add(new(Take(stored, ref at), Take(stored, ref at), (int)Take(stored, ref at), Take(stored, ref at),
                Take(stored, ref at), start, (int)Take(stored, ref at)));
            start += chunks[^1].Length;
        }
        return chunks;
    }

    private static void Put(byte[] to, ref int at, long number)
    {
        ulong rest = (ulong)number;
        for (; rest >= 0x80; rest >>= 7) to[at++] = (byte)(rest | 0x80);
        to[at++] = (byte)rest;
    }

    private static long Take(ReadOnlySpan<byte> from, ref int at)
    {
        ulong number = 0;
        for (int shift = 0; ; shift += 7)
        {
            byte next = from[at++];
            number |= (ulong)(next & 0x7f) << shift;
            if (next < 0x80) return (long)number;
        }
    }
}
