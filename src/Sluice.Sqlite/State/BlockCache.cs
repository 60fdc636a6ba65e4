namespace Sluice.Sqlite;

/// <summary>
/// The bytes of the blocks that were written or read last, in memory that is used again: mostly what is appended is leased soon, partition by partition, and each has a part of the same blocks.
/// </summary>
internal sealed class BlockCache
{
    private const int Size = 32;
    private readonly (long Id, int Length, byte[] Bytes)[] ring = new (long, int, byte[])[Size];
    private int next;

    /// <summary>A block that is kept; empty if it is not.</summary>
    public ReadOnlySpan<byte> Find(long id)
    {
        foreach ((long kept, int length, byte[] bytes) in ring) if (kept == id) return bytes.AsSpan(0, length);
        return default;
    }

    /// <summary>Room for a block of at most <see cref="ChunkWriter.MaxBytes"/>, in the place of the oldest.</summary>
    public Span<byte> Add(long id, int length)
    {
        ref (long Id, int Length, byte[]? Bytes) slot = ref ring[next]!;
        next = (next + 1) % Size;
        slot = (id, length, slot.Bytes ?? new byte[ChunkWriter.MaxBytes]);
        return slot.Bytes.AsSpan(0, length);
    }
}
