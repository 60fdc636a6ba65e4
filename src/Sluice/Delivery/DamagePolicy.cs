namespace Sluice;

/// <summary>What a consecutor does with an accepted entry that its store cannot read any more: its bytes were changed, or are gone.</summary>
public enum DamagePolicy
{
    /// <summary>
    /// The entry's partition stands still, says so (<see cref="ConsecutorSnapshot.Stopped"/>), and is looked at again after pauses that grow from a second to a minute: once the store was repaired, it goes on. All other partitions go on.
    /// </summary>
    Stop,

    /// <summary>The entry becomes a dead letter, with the reason and with what there is of its bytes, and its partition goes on. The order of its key is lost, as its key is.</summary>
    DeadLetter,
}

/// <summary>A partition that stands still, because something in it is damaged.</summary>
/// <param name="Partition">The partition, from zero.</param>
/// <param name="Message">The damage, and what to do about it, for people.</param>
public sealed record StoppedPartition(int Partition, string Message)
{
    /// <summary>The entries that cannot be read; null if it is something else, such as a row of state.</summary>
    public SequenceRange? Entries { get; init; }
}
