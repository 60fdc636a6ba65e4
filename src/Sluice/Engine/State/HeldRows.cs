namespace Sluice.Engine;

/// <summary>
/// The stored rows of nodes that keep all their state in memory (chunks, windows, groups, sums, joins), in one partition.
/// </summary>
/// <remarks>The rows count for the budget and are never evicted. They have the locking rule of <see cref="CachedRows"/>.</remarks>
internal sealed class HeldRows : CachedRows
{
    private const int RowBytes = 200;                // estimated overhead of a row

    private readonly Dictionary<(string Node, string Key), int> lengths = [];
    private long size;

    public override long OldestTick => long.MaxValue;

    protected override long Size => size;

    /// <summary>Records that a row is stored or deleted.</summary>
    /// <param name="node">The node.</param>
    /// <param name="key">The key of the row.</param>
    /// <param name="length">The length of the value in bytes; null if the row is deleted.</param>
    public void Put(string node, string key, int? length)
    {
        if (lengths.Remove((node, key), out int before)) size -= CostOf(key, before);
        if (length is not { } now) return;
        lengths.Add((node, key), now);
        size += CostOf(key, now);
    }

    protected override void EvictOldest() => throw new NotSupportedException("Rows that a node needs all of are not evicted.");

    private static long CostOf(string key, int length) => RowBytes + (2L * key.Length) + (2L * length);
}
