using System.Buffers.Binary;

namespace Sluice.Sqlite;

/// <summary>
/// Each block repeats the id and the list of chunks of the block before it; the first row of the store repeats those of the last block. So a missing block is noticed, and the ends of its logs are known. No index says that: chunks of
/// recent blocks have no rows.
/// </summary>
/// <remarks>A value: no lock.</remarks>
internal readonly record struct BlockLink(long Id, List<ChunkPlace> Chunks)
{
    private const int IdBytes = 8;

    /// <summary>The id of the first block behind it.</summary>
    public long NextId => Id + Chunks.Count;

    /// <summary>Writes one.</summary>
    public static byte[] Write(long id, ReadOnlySpan<byte> directory)
    {
        var link = new byte[IdBytes + directory.Length];
        BinaryPrimitives.WriteInt64LittleEndian(link, id);
        directory.CopyTo(link.AsSpan(IdBytes));
        return link;
    }

    /// <summary>Reads one; null if there is none, or it is damaged: that alone loses nothing.</summary>
    public static BlockLink? Read(ReadOnlySpan<byte> stored)
        => stored.Length > IdBytes && BlockDirectory.Read(stored[IdBytes..]) is { Count: > 0 } chunks ? new(BinaryPrimitives.ReadInt64LittleEndian(stored), chunks) : null;
}
