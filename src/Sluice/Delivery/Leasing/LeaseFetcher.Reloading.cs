using Sluice.Scheduling;

namespace Sluice.Delivery;

/// <content>Partitions that are loaded anew, after a failed lease or because of damage; and the waits after leases that have
/// failed. A stop does not wait for it: it goes on beside the stop, which waits for its end before it gives the partitions back.</content>
internal sealed partial class LeaseFetcher
{
    /// <summary>Reloads again after a pause that grows. The next heartbeat may come later than that.</summary>
    private async ValueTask ReloadAgainAsync()
    {
        TimeSpan left = varied - core.Time.GetElapsedTime(failedAt);
        if (left > TimeSpan.Zero) TryAgainAfter = left;
        else if (core.Recovery.IsRecovering) pause = TimeSpan.Zero;
        else await ReloadAsync();
    }

    private async ValueTask ReloadAsync()
    {
        if (await core.Members.ReloadAsync().WaitAsync(stopping))
        {
            pause = TimeSpan.Zero;
            return;
        }
        failedAt = core.Time.GetTimestamp();
        pause = pause == TimeSpan.Zero ? First : pause * 2 < Longest ? pause * 2 : Longest;
        TryAgainAfter = varied = RetryPause.Vary(pause, core.Time);
    }

    private bool IsOver => stopping.IsCancellationRequested || core.Lifetime.Token.IsCancellationRequested;

    /// <summary>Gives back and acquires anew each partition that has been stopped long enough and has no item in flight.</summary>
    private async ValueTask LookAgainAsync()
    {
        try
        {
            foreach (OwnedPartition partition in core.Partitions.Owned)
                if (core.Stopped.IsStopped(partition) && core.Stopped.IsDue(partition.Number))
                    await core.Members.RenewAsync(partition).Observed().WaitAsync(stopping);
        }
        catch (Exception e) when (!IsOver)
        {
            if (core.Lifetime.EndIfClosed(e) || core.Recovery.Learn(e)) return;
            core.Problems.Latest = Problem = $"The store does not answer: {FailureText.Of(e)}";
        }
    }

    /// <summary>The time until the next lease, after several have failed in a row; null or negative if a lease may be made now.</summary>
    private TimeSpan? Refused
    {
        get
        {
            if (refusals < 2) return null;
            TimeSpan after = First * (1 << Math.Min(refusals - 2, 16));
            return (after < Longest ? after : Longest) - core.Time.GetElapsedTime(refusedAt);
        }
    }

    /// <summary>Notes that no entry is wanted: the store owes no answer.</summary>
    private void StopAsking()
    {
        if (isAsking) core.Leases.Answer();
        isAsking = false;
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
