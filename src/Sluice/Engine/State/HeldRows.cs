namespace Sluice;

/// <summary>The stored rows of the nodes that keep all of their state in memory (chunks, windows, groups, sums, joins) in one partition. The rows count for the budget, and none is ever evicted.</summary>
/// <remarks>Locking rule: the one of <see cref="CachedRows"/>.</remarks>
internal sealed class HeldRows : CachedRows
{
    private const int RowBytes = 200;                // of what was made of a row, beside its value

    private readonly Dictionary<(string Node, string Key), int> lengths = [];
    private long size;

    public override long OldestTick => long.MaxValue;

    protected override long Size => size;

    /// <summary>A row is stored from here on.</summary>
    /// <param name="node">The node.</param>
    /// <param name="key">The key of the row.</param>
    /// <param name="length">The length of its value, in bytes; null if the row is deleted.</param>
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
