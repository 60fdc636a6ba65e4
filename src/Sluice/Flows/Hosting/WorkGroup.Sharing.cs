using Sluice.Membership;

namespace Sluice.Flows;

/// <content>The partitions that this service acquires and releases, and how many orders it takes on there. Part of the loop.</content>
internal sealed partial class WorkGroup
{
    private async Task ShareAsync()
    {
        var (acquire, release) = members.Share([.. owned.Select(InUse)]);
        if (release is not null)
            foreach (WorkPartition partition in owned)
            {
                bool isLeaving = release.Contains(partition.Number);
                if (partition.IsLeaving && !isLeaving) empty = -1;   // it may have orders
                partition.IsLeaving = isLeaving;
            }
        foreach (WorkPartition partition in owned.Where(partition => partition.IsLeaving && InUse(partition).InFlight == 0).ToArray())
        {
            owned = [.. owned.Where(one => one != partition)];
            members.NoteRelease(partition.Owner);
            await calls.DoAsync(stream, () => core.Store.ReleaseAsync(partition.Owner, stopping.Token), stopping.Token)
                .ConfigureAwait(false);
            partition.Dispose();
        }
        foreach (PartitionInfo free in acquire)
        {
            if (!members.IsStillFree(free)) continue;
            AcquireRequest request = members.Ask(free);
            AcquireResult taken = await calls.DoAsync(stream,
                () => core.Store.AcquireAsync(group, free.Partition, request, stopping.Token), stopping.Token).ConfigureAwait(false);
            // Another service was first; or a lost answer had acquired it, and the next heartbeat shows that.
            if (taken.Status != AcquireStatus.Taken) continue;
            members.NoteTaken(taken.Ownership, request.KnownEpoch);
            var partition = new WorkPartition(core.Calls, taken.Ownership, taken.State!.LastCommit)
            {
                Of = partitions,
                Answered = members.NoteAnswer,
                IsAbandoned = () => core.IsAbandoned,
            };
            (owned, empty) = ([.. owned, partition], -1);
            await orders.AdoptAsync(partition, taken.State!).ConfigureAwait(false);
        }

        PartitionInUse InUse(WorkPartition partition)
        {
            lock (running)
            {
                int runs = partition.Running.Count + partition.Held.Count;
                return new(partition.Number, runs, partition.IsLeaving, MayLeave: runs == 0
                    // A run that is awaited may wait for its order here, which is not leased while the partition is to leave.
                    || (isFull && !partition.Running.Values.Any(static one => one.AwaitsRun)));
            }
        }
    }

    /// <summary>Leases from the partitions that were to leave, too: the others have no orders for the slots that are free.</summary>
    /// <returns>Whether there are any.</returns>
    private bool TryLeaseFromAll()
    {
        if (isFull || !Array.Exists(owned, static partition => partition.IsLeaving)) return false;
        foreach (WorkPartition partition in owned) partition.IsLeaving = false;
        return true;
    }

    /// <summary>The number of orders to take on. If there is no room, a start that waits no more wakes the loop.</summary>
    private int FindRoom()
    {
        if (core.Options.MaxConcurrency is not { } slots) return int.MaxValue;
        isFull = true;                               // before it looks: a start that waits no more from here on wakes it
        int room = slots - turns.CountWaiting(core.Options.LeaseDuration);
        isFull = room <= 0;
        return room;
    }
}
