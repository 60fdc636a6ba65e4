namespace Sluice.Sqlite;

/// <summary>A chunk, and where in its block it is.</summary>
/// <param name="Log">The key of its log.</param>
/// <param name="First">The sequence of its first entry.</param>
/// <param name="Count">How many entries it has.</param>
/// <param name="Bytes">Their payloads and headers.</param>
/// <param name="Total">The bytes of all entries that were ever appended to the log, these included.</param>
/// <param name="Start">Where it begins in the block.</param>
/// <param name="Length">How long it is there.</param>
internal readonly record struct ChunkPlace(long Log, long First, int Count, long Bytes, long Total, int Start, int Length)
{
    public long Last => First + Count - 1;

    /// <summary>The bytes of everything in the log up to a sequence in this chunk or behind it, in proportion.</summary>
    public long SumAt(long sequence) => Total - Bytes + (Bytes * Math.Min(Count, sequence - First + 1) / Count);
}
