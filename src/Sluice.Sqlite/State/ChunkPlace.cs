namespace Sluice.Sqlite;

/// <summary>A chunk and its place in a block.</summary>
/// <param name="Log">The key of its log.</param>
/// <param name="First">The sequence of its first entry.</param>
/// <param name="Count">The number of its entries.</param>
/// <param name="Bytes">The size of their payloads and headers.</param>
/// <param name="Total">The bytes of all entries ever appended to the log, up to and including this chunk.</param>
/// <param name="Start">The offset in the block.</param>
/// <param name="Length">The length in the block.</param>
internal readonly record struct ChunkPlace(long Log, long First, int Count, long Bytes, long Total, int Start, int Length)
{
    public long Last => First + Count - 1;

    /// <summary>
    /// Returns the bytes of all entries in the log up to a sequence at or behind the start of this chunk; within the chunk in proportion.
    /// </summary>
    public long SumAt(long sequence) => Total - Bytes + (Bytes * Math.Min(Count, sequence - First + 1) / Count);
}
