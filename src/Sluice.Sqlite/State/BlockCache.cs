namespace Sluice.Sqlite;

/// <summary>
/// The blocks that were written or read last, in memory that is used again: mostly what is appended is leased soon, partition by partition, and each has a part of the same blocks.
/// </summary>
internal sealed class BlockCache
{
    private const int Size = 32;

    private readonly Block[] ring = new Block[Size];
    private readonly Dictionary<(long Log, long First), (Block Block, int Start, int Length)> chunks = [];
    private int next;

    /// <summary>A block that is kept; null if it is not.</summary>
    public Block? Find(long id)
    {
        foreach (Block? block in ring) if (block?.Id == id) return block;
        return null;
    }

    /// <summary>A copy of the chunk that begins with an entry, if it is in one of them and known: entries are slices of it, and would keep the whole block in memory.</summary>
    public byte[]? Find(long log, long first)
        => chunks.TryGetValue((log, first), out (Block Block, int Start, int Length) chunk) ? chunk.Block.Bytes.AsSpan(chunk.Start, chunk.Length).ToArray() : null;

    /// <summary>Room for a block of some length at most, in the place of the oldest.</summary>
    public Block Add(long id, int length)
    {
        Block block = ring[next] ??= new();
        next = (next + 1) % Size;
        foreach ((long Log, long First) chunk in block.Chunks) chunks.Remove(chunk);
        block.Chunks.Clear();
        block.Id = id;
        if (block.Bytes.Length < length) block.Bytes = new byte[Math.Max(length, ChunkWriter.MostBytes)];
        return block;
    }

    /// <summary>Says where a chunk is in a block.</summary>
    public void Know(long log, long first, Block block, int start, int length)
    {
        if (chunks.TryAdd((log, first), (block, start, length))) block.Chunks.Add((log, first));
    }

    internal sealed class Block
    {
        public long Id { get; set; }
        public int Length { get; set; }
        public byte[] Bytes { get; set; } = [];
        public List<(long Log, long First)> Chunks { get; } = [];
        public ReadOnlySpan<byte> Span => Bytes.AsSpan(0, Length);
    }
}
