namespace Sluice.Diagnostics;

/// <summary>A partition that is stopped, because an entry or a row in it is damaged.</summary>
/// <param name="Partition">The number of the partition, from zero.</param>
/// <param name="Message">The damage and its remedy, as a text for people.</param>
public sealed record StoppedPartition(int Partition, string Message)
{
    /// <summary>The unreadable entries; null if the damage is elsewhere, such as in a row of state.</summary>
    public SequenceRange? Entries { get; init; }
}
