namespace Sluice.Delivery;

/// <content>Partitions that are loaded anew after a failed lease.</content>
internal sealed partial class LeaseFetcher
{
    /// <summary>Reloads again after a pause that grows. The next heartbeat may come later than that.</summary>
    private async ValueTask ReloadAgainAsync()
    {
        TimeSpan left = pause - core.Time.GetElapsedTime(failedAt);
        if (left > TimeSpan.Zero) TryAgainAfter = left;
        else if (core.Recovery.IsRecovering) pause = TimeSpan.Zero;
        else await ReloadAsync();
    }

    private async ValueTask ReloadAsync()
    {
        if (await core.Members.ReloadAsync())
        {
            pause = TimeSpan.Zero;
            return;
        }
        failedAt = core.Time.GetTimestamp();
        pause = pause == TimeSpan.Zero ? First : pause * 2 < Longest ? pause * 2 : Longest;
        TryAgainAfter = pause;
    }

    private void Learn(LeaseResult lease)
    {
        int entries = 0;
        foreach (LeasedBatch batch in lease.Batches) entries += batch.Entries.Length;
        width.Learn(lease.Batches.Count, entries);
        if (lease.Batches.Count > 0) next = lease.Batches[^1].Owner.Partition + 1;
    }

    /// <summary>Orders the partitions by number, from the next one on. Otherwise later partitions starve.</summary>
    private Ownership[] Owners(OwnedPartition[] owned)
    {
        var request = new Ownership[owned.Length];
        var places = new uint[owned.Length];         // as unsigned, a number before the next one is large
        for (int i = 0; i < owned.Length; i++) (request[i], places[i]) = (owned[i].Owner, (uint)(owned[i].Number - next));
        Array.Sort(places, request);
        next = request[0].Partition + 1;
        return request;
    }
}
