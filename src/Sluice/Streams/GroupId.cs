namespace Sluice;

/// <summary>A consumer group of a stream: whatever it has not settled stays in the store until the group is removed.</summary>
/// <param name="Stream">The stream.</param>
/// <param name="Name">The group's name; unique in the stream.</param>
public readonly record struct GroupId(string Stream, string Name)
{
    /// <summary>For example <c>payments:ledger</c>.</summary>
    public override string ToString() => $"{Stream}:{Name}";
}

/// <summary>
/// The right to lease and commit a partition for a group: an epoch, raised by every taking. It never runs out by itself; it is
/// void as soon as somebody else has taken the partition.
/// </summary>
/// <param name="Group">The group.</param>
/// <param name="Partition">The partition, from zero.</param>
/// <param name="Epoch">The epoch that the taking returned; from one.</param>
public readonly record struct Ownership(GroupId Group, int Partition, long Epoch)
{
    /// <summary>For example <c>payments:ledger/3, epoch 7</c>.</summary>
    public override string ToString() => $"{Group}/{Partition}, epoch {Epoch}";
}
