namespace Sluice.Storage;

/// <summary>
/// The id of a consumer group of a stream. Entries that the group has not settled stay in the store until the group is removed.
/// </summary>
/// <param name="Stream">The stream.</param>
/// <param name="Name">The group's name; unique in the stream.</param>
public readonly record struct GroupId(string Stream, string Name)
{
    /// <summary>Formats the id; for example <c>payments:ledger</c>.</summary>
    public override string ToString() => $"{Stream}:{Name}";
}

/// <summary>
/// The right to lease and commit a partition for a group: an epoch, raised by every acquisition. It does not expire; it is void as soon as
/// another member acquires the partition.
/// </summary>
/// <param name="Group">The group.</param>
/// <param name="Partition">The partition, from zero.</param>
/// <param name="Epoch">The epoch that the acquisition returned; from one.</param>
public readonly record struct Ownership(GroupId Group, int Partition, long Epoch)
{
    /// <summary>Formats the ownership; for example <c>payments:ledger/3, epoch 7</c>.</summary>
    public override string ToString() => $"{Group}/{Partition}, epoch {Epoch}";
}
