using System.Buffers.Binary;

namespace Sluice.Sqlite;

/// <summary>
/// The link from a block to its predecessor: its id and list of chunks. The first row of the store links to the last block. Links detect a
/// missing block and give the ends of its logs; no index does, because chunks of recent blocks have no rows.
/// </summary>
/// <remarks>Immutable value; needs no lock.</remarks>
internal readonly record struct BlockLink(long Id, List<ChunkPlace> Chunks)
{
    private const int IdBytes = 8;

    /// <summary>The id of the next block.</summary>
    public long NextId => Id + Chunks.Count;

    /// <summary>Writes a link.</summary>
    public static byte[] Write(long id, ReadOnlySpan<byte> directory)
    {
        var link = new byte[IdBytes + directory.Length];
        BinaryPrimitives.WriteInt64LittleEndian(link, id);
        directory.CopyTo(link.AsSpan(IdBytes));
        return link;
    }

    /// <summary>Reads a link; null if there is none, or it is damaged, which alone loses no entries.</summary>
    public static BlockLink? Read(ReadOnlySpan<byte> stored)
        => stored.Length > IdBytes && BlockDirectory.Read(stored[IdBytes..]) is { Count: > 0 } chunks
        ? new(BinaryPrimitives.ReadInt64LittleEndian(stored), chunks) : null;
}
