namespace Sluice.Delivery;

/// <summary>
/// The highest epoch and the last commit of each partition that the store has told this member. If an acquisition shows less, the store has
/// lost writes.
/// </summary>
/// <remarks>
/// Thread-safe: everything is under its lock. Calls of an owner carry these numbers, so the store notices its loss. A member that has lost
/// its partitions, such as after a failed lease, makes no such call before it acquires them again.
/// </remarks>
internal sealed class AcknowledgedProgress
{
    private readonly Dictionary<int, Progress> known = [];          // by partition; also the lock

    /// <summary>Notes the epochs of a group that was seen.</summary>
    public void See(GroupInfo group)
    {
        lock (known)
        {
            foreach (PartitionInfo partition in group.Partitions) Note(partition.Partition, new(partition.Epoch, 0));
        }
    }

    /// <summary>Notes the last commit that was acknowledged to an owner.</summary>
    public void Note(Ownership owner, long commit)
    {
        lock (known) Note(owner.Partition, new(owner.Epoch, commit));
    }

    /// <summary>Forgets everything: a loss is known, and the store goes on from less.</summary>
    public void Forget()
    {
        lock (known) known.Clear();
    }

    /// <summary>What is known of a partition. Read before it is acquired: the acquisition itself may be seen while its answer is on the
    /// way.</summary>
    public Progress Of(int partition)
    {
        lock (known) return known.GetValueOrDefault(partition);
    }

    private void Note(int partition, Progress seen)
    {
        if (seen.Epoch > AcquireRequest.MaxKnownEpoch) return;      // damaged
        Progress before = known.GetValueOrDefault(partition);
        if (StoreRules.IsOfLaterGroup(before.Epoch, seen.Epoch)) return;       // of a group that was removed, and made again since
        known[partition] = StoreRules.IsOfLaterGroup(seen.Epoch, before.Epoch) ? seen
            : new(Math.Max(before.Epoch, seen.Epoch), Math.Max(before.Commit, seen.Commit));
    }

    /// <summary>What the store has told of a partition.</summary>
    /// <param name="Epoch">The highest epoch.</param>
    /// <param name="Commit">The number of the last commit that was acknowledged to this member; zero if there was none.</param>
    internal readonly record struct Progress(long Epoch, long Commit)
    {
        /// <summary>Finds out whether the store has lost writes.</summary>
        /// <param name="taken">The ownership that was acquired.</param>
        /// <param name="before">The epoch of the partition before the acquisition.</param>
        /// <param name="lastCommit">The number of the last commit that the store knows.</param>
        /// <returns>How the loss shows; null if there is none.</returns>
        public string? FindLoss(Ownership taken, long before, long lastCommit)
            => StoreRules.IsOfLaterGroup(taken.Epoch, Epoch) ? null
                : before < Epoch
                    ? $"Partition {taken.Partition} of {taken.Group} had the epoch {Epoch}, and the store knew the epoch {before} only."
                : lastCommit < Commit
                    ? $"Commit {Commit} of partition {taken.Partition} of {taken.Group} was acknowledged, and the store knows the first "
                        + $"{lastCommit} only."
                : null;
    }
}
