namespace Sluice;

/// <summary>
/// From how many partitions entries are leased at a time. A commit of each partition costs much the same for one entry and for a hundred; so under load it is few partitions by turns, in which
/// more has come together until it is their turn, and else all that have something.
/// </summary>
/// <remarks>The pump's. Load is what leases bring, so there is nothing to wait for: whatever has come is leased at once, if not too much else is.</remarks>
internal sealed class LeaseWidth
{
    private const int Narrowest = 4;
    private const int Low = 64;                      // entries of a lease: fewer, and more partitions could be had at once
    private const int High = 128;
    private const int Enough = 64;                   // entries of a partition: what a commit costs besides them does not count any more

    /// <summary>The most partitions of a lease.</summary>
    public int Most { get; private set; } = int.MaxValue;

    /// <summary>Goes by what a lease has brought.</summary>
    /// <param name="batches">From how many partitions.</param>
    /// <param name="entries">How many entries.</param>
    public void Learn(int batches, int entries)
    {
        if (entries < Low) Most = (int)Math.Min(Most * 2L, int.MaxValue);
        else if (entries >= High && entries < (long)batches * Enough) Most = Math.Max(Narrowest, Math.Min(Most, batches) / 2);
    }
}
