namespace Sluice.Membership;

/// <summary>
/// The highest epochs of a group's partitions that a member has seen. An epoch that was given before the store went back must be void, too,
/// so the member asks for a higher one.
/// </summary>
/// <remarks>Locking rule: all state is under the lock <c>epochs</c>. Any thread may call.</remarks>
internal sealed class KnownEpochs(IStreamStore store)
{
    private readonly Dictionary<int, long> epochs = [];             // by partition; also the lock

    /// <summary>Notes the epochs of a group that was seen.</summary>
    public void See(GroupInfo group)
    {
        lock (epochs)
        {
            foreach (PartitionInfo partition in group.Partitions) Note(partition.Partition, partition.Epoch);
        }
    }

    /// <summary>The value of <see cref="AcquireRequest.KnownEpoch"/> for a partition. A damaged epoch may be anything.</summary>
    public long Of(int partition)
    {
        lock (epochs) return Math.Min(epochs.GetValueOrDefault(partition), AcquireRequest.MaxKnownEpoch);
    }

    /// <summary>Notes the epoch of a partition that was acquired.</summary>
    /// <param name="taken">The ownership.</param>
    /// <param name="known">The known epoch that the request had.</param>
    /// <exception cref="StreamStoreException">The store has given an epoch that an earlier owner may have.</exception>
    public void Take(Ownership taken, long known)
    {
        if (taken.Epoch <= known)
            throw new StreamStoreException($"The store {store.Root} has given {taken} to a member that knows the epoch "
                + $"{known}: an earlier owner may have the same. It must give a higher one (AcquireRequest.KnownEpoch).")
            { Stream = taken.Group.Stream, Partition = taken.Partition, IsPermanent = true };
        lock (epochs) Note(taken.Partition, taken.Epoch);
    }

    private void Note(int partition, long epoch)
    {
        if (epoch > epochs.GetValueOrDefault(partition)) epochs[partition] = epoch;
    }
}
