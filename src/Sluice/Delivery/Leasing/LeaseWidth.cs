namespace Sluice.Delivery;

/// <summary>
/// Decides from how many partitions entries are leased at a time. The commit of a partition costs about the same for one entry as for a
/// hundred. So under load, a lease has few partitions, in turns, in which more entries have gathered; otherwise it has all partitions with
/// entries.
/// </summary>
/// <remarks>Used by the pump. Load is measured by the leases themselves, so nothing waits: present entries are leased at once, unless there
/// are too many.</remarks>
internal sealed class LeaseWidth
{
    private const int Narrowest = 4;
    private const int Low = 64;                      // entries of a lease; with fewer, more partitions fit
    private const int High = 128;
    private const int Enough = 64;                   // entries of a partition; with more, the fixed cost of a commit is negligible

    /// <summary>The most partitions of a lease.</summary>
    public int Most { get; private set; } = int.MaxValue;

    /// <summary>Adapts to the result of a lease.</summary>
    /// <param name="batches">The number of partitions in the lease.</param>
    /// <param name="entries">The number of entries in the lease.</param>
    public void Learn(int batches, int entries)
    {
        if (entries < Low) Most = (int)Math.Min(Most * 2L, int.MaxValue);
        else if (entries >= High && entries < (long)batches * Enough) Most = Math.Max(Narrowest, Math.Min(Most, batches) / 2);
    }
}
