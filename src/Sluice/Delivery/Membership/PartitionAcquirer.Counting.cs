using Sluice.Membership;

namespace Sluice.Delivery;

/// <content>Counts the items of all partitions.</content>
internal sealed partial class PartitionAcquirer
{
    // of other members' partitions; one caller at a time
    private readonly Dictionary<int, (PartitionInfo At, PartitionCounts Counts)> counted = [];

    /// <summary>Sets the ledger from the store. No item is in flight, and no item is accepted meanwhile.</summary>
    public async Task LoadBooksAsync(List<OwnedPartition> taken, CancellationToken cancellation)
    {
        GroupInfo group = (await core.Store.FindGroupAsync(core.Group, cancellation).ConfigureAwait(false))!;
        StreamInfo stream = (await core.Store.FindStreamAsync(core.Name, cancellation).ConfigureAwait(false))!;
        PartitionCounts ended = default;
        long accepted = 0;
        foreach (PartitionInfo info in group.Partitions)
        {
            accepted += info.Tail;
            PartitionCounts counts = taken.Find(partition => partition.Number == info.Partition) is { } own ? own.Counts
                : info.Epoch == 0 ? default : await ReadCountsAsync(info, cancellation).ConfigureAwait(false);
            ended = new(ended.Completed + counts.Completed, ended.Skipped + counts.Skipped, ended.Split + counts.Split);
        }
        GroupBacklog backlog = stream.Groups.First(backlog => backlog.Name == core.Group.Name);
        (long retrying, long parked, long suspect) = (Count(WaitingStatus.Retrying), Count(WaitingStatus.Parked),
            Count(WaitingStatus.Suspect));

        // The mark of dispatched entries does not count: after a release it is below entries that have ended or wait.
        // Entries of other members are pending here.
        core.Ledger.Load(accepted, backlog.Outstanding - retrying - parked - suspect, ended, backlog.Dead, retrying, parked, suspect);

        long Count(WaitingStatus state) => taken.Sum(partition => (long)partition.Waiting.Values.Count(waiting => waiting == state));
    }

    /// <summary>Counts the items that other members have accepted and ended. One call at a time.</summary>
    /// <param name="maxReads">The number of partitions to read at most. If more have changed, later calls read the others.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <returns>False if an item is in flight here, a partition changes meanwhile, or a partition without an owner may still put out
    /// items.</returns>
    public async Task<bool> RefreshCountsAsync(int maxReads, CancellationToken cancellation)
    {
        if (core.InFlight.Count > 0) return false;
        int known = core.Doubts.Count;
        using IDisposable closed = await core.Accepting.CloseAsync(cancellation).ConfigureAwait(false); // so that each item is counted once
        long moves = core.Ledger.Moves;
        OwnedPartition[] owned = core.Partitions.Owned;
        GroupInfo? group = await core.Store.FindGroupAsync(core.Group, cancellation).ConfigureAwait(false);
        if (group is null) return false;
        PartitionInfo[] elsewhere = [.. group.Partitions.Where(info => !Array.Exists(owned, own => own.Number == info.Partition))];
        // its stages may still hold items
        if (core is { Stream.IsInputComplete: true, KeepsState: true }
            && Array.Exists(elsewhere, info => info.Owner is null || info.Owner == Self)) return false;
        PartitionInfo[] changed = [.. elsewhere.Where(info => !counted.TryGetValue(info.Partition, out var known) || known.At != info)];
        await Task.WhenAll(changed.Take(maxReads).Select(CountAsync).ToArray()).ConfigureAwait(false);
        if (changed.Length > maxReads) return false;
        StreamInfo? stream = await core.Store.FindStreamAsync(core.Name, cancellation).ConfigureAwait(false);
        GroupInfo? after = await core.Store.FindGroupAsync(core.Group, cancellation).ConfigureAwait(false);
        if (stream is null || after is null || !group.Partitions.SequenceEqual(after.Partitions)) return false;
        PartitionCounts ended = default;
        foreach (PartitionCounts counts in owned.Select(static partition => partition.Counts)
            .Concat(elsewhere.Select(info => counted[info.Partition].Counts)))
            ended = new(ended.Completed + counts.Completed, ended.Skipped + counts.Skipped, ended.Split + counts.Split);
        GroupBacklog backlog = stream.Groups.First(backlog => backlog.Name == core.Group.Name);
        if (!core.Ledger.TryLoad(moves, owned, group.Partitions.Sum(static info => info.Tail), backlog.Outstanding, ended, backlog.Dead))
            return false;
        core.Doubts.Settle(known);
        return true;

        async Task CountAsync(PartitionInfo info)
        {
            PartitionCounts counts = info.Epoch == 0 ? default : await ReadCountsAsync(info, cancellation).ConfigureAwait(false);
            lock (counted) counted[info.Partition] = (info, counts);
        }
    }

    private async Task<PartitionCounts> ReadBooksOrFailAsync(int partition, CancellationToken cancellation)
    {
        IReadOnlyList<StateRow> rows = await core.Store.ReadStateAsync(core.Group, partition, PartitionCounts.Node, [""], cancellation)
            .ConfigureAwait(false);
        return rows is [{ Value: not null } row] ? PartitionCounts.Read(row, core.Group, partition) : default;
    }

    private async Task<PartitionCounts> ReadCountsAsync(PartitionInfo partition, CancellationToken cancellation)
    {
        try
        {
            return await ReadBooksOrFailAsync(partition.Partition, cancellation).ConfigureAwait(false);
        }
        catch (StreamStoreException damage) when (IsIn(partition.Partition, damage))
        {
            // What has ended there is not known. Another owner tells whether the partition stands still.
            if (partition.Owner is null || partition.Owner == Self)
                core.Stopped.Stop(partition.Partition, partition.Epoch, damage.Message);
            return default;
        }
    }
}
