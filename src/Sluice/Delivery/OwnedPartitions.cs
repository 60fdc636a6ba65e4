namespace Sluice.Delivery;

/// <summary>The partitions that this member owns.</summary>
/// <remarks>
/// Thread-safe: the array is replaced as a whole under the lock, and read without it. The ledger, the pump and callbacks are called
/// outside of the lock.
/// </remarks>
internal sealed class OwnedPartitions(ItemLedger ledger, ItemsInFlight inFlight, PumpSignal pump)
{
    private readonly Lock sync = new();
    private volatile OwnedPartition[] owned = [];

    /// <summary>The partitions at this moment. The array never changes.</summary>
    public OwnedPartition[] Owned => owned;

    /// <summary>What the store has acknowledged. A partition that is lost leaves the number of its last commit here.</summary>
    public AcknowledgedProgress Acknowledged { get; } = new();

    /// <summary>Called when a partition is lost, after it has left <see cref="Owned"/>. Set before the first partition is owned.</summary>
    public required Action<OwnedPartition> Lost { private get; init; }

    /// <summary>
    /// Called when an item has ended in a partition that another member is to have. Set before the first partition is owned.
    /// </summary>
    public required Action LeavingChanged { private get; init; }

    /// <summary>Adds partitions that were acquired; a partition replaces the one with its number.</summary>
    public void Own(IReadOnlyList<OwnedPartition> taken)
    {
        lock (sync) owned = [.. owned.Where(partition => taken.All(other => other.Number != partition.Number)),
            .. taken.Where(static partition => !partition.IsVoid)];
        pump.Changed();
        ledger.Touch();                              // a waiter that has seen other members at work looks again: there may be none now
    }

    /// <summary>Removes a partition that another member owns now, or that must be loaded anew.</summary>
    public void Lose(OwnedPartition partition)
    {
        ledger.Void(partition);
        bool wasOwned;
        lock (sync)
        {
            wasOwned = Array.IndexOf(owned, partition) >= 0;
            if (wasOwned) owned = Array.FindAll(owned, other => other != partition);
        }
        // not again: after a loss of the store, its number may be above those that the store gives now
        if (wasOwned) Acknowledged.Note(partition.Owner, partition.NextCommit - 1);
        Lost(partition);
        partition.Scope?.Retire();
        pump.Changed();
    }

    /// <summary>Entries of a partition are committed or given up.</summary>
    public void End(OwnedPartition partition, int entries)
    {
        partition.End(entries);
        inFlight.End(entries);
        Rest(partition);
    }

    /// <summary>Tells that an item or a round of a partition has ended, if another member is to have the partition.</summary>
    public void Rest(OwnedPartition partition)
    {
        if (partition.IsLeaving) LeavingChanged();
    }
}
