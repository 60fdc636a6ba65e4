namespace Sluice.Sqlite;

/// <summary>A cache of chunks read last, or written alone, over all streams: owners read them in several leases.</summary>
internal sealed class ChunkCache
{
    public const int Size = 32;

    private const int LargestKept = 128 << 10;
    private readonly (long Log, StoredChunk Chunk)[] slots = new (long, StoredChunk)[Size];
    private int next;

    public StoredChunk? Find(long log, long sequence)
    {
        foreach ((long kept, StoredChunk chunk) in slots) if (kept == log && chunk?.Has(sequence) == true) return chunk;
        return null;
    }

    public void Add(long log, StoredChunk chunk)
    {
        if (chunk.Bytes > LargestKept) return;
        slots[next] = (log, chunk);
        next = (next + 1) % Size;
    }
}
