namespace Sluice.Sqlite;

/// <summary>
/// A cache of the blocks written or read last, in reused buffers. Appended entries are mostly leased soon, partition by partition, from the
/// same blocks.
/// </summary>
internal sealed class BlockCache
{
    private const int Size = 32;
    private readonly (long Id, int Length, byte[] Bytes)[] ring = new (long, int, byte[])[Size];
    private int next;

    /// <summary>Returns a cached block; empty if it is not cached.</summary>
    public ReadOnlySpan<byte> Find(long id)
    {
        foreach ((long kept, int length, byte[] bytes) in ring) if (kept == id) return bytes.AsSpan(0, length);
        return default;
    }

    /// <summary>
    /// Returns the buffer for a block of at most <see cref="ChunkWriter.MaxBytes"/> bytes, in the place of the oldest one.
    /// </summary>
    public Span<byte> Add(long id, int length)
    {
        ref (long Id, int Length, byte[]? Bytes) slot = ref ring[next]!;
        next = (next + 1) % Size;
        slot = (id, length, slot.Bytes ?? new byte[ChunkWriter.MaxBytes]);
        return slot.Bytes.AsSpan(0, length);
    }
}
