namespace Sluice.Delivery;

/// <content>The clocks of the partitions follow the clock of the store. They begin with it and go on with the timestamps of this machine,
/// which stand still while the machine sleeps.</content>
internal sealed partial class Rounds
{
    private static readonly TimeSpan TimeInterval = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan LeastLag = TimeSpan.FromSeconds(1);

    private readonly List<(OwnedPartition Partition, TimeSpan Lag)> lagging = [];     // used by the pump
    private long askedTimeAt = core.Time.GetTimestamp();
    private Task<(DateTimeOffset Time, long Timestamp)>? asking;

    /// <summary>Asks the store for its time once a minute, without waiting for the answer, and moves the clocks ahead that are behind. Used
    /// by the pump, before it begins a round.</summary>
    public void FollowStoreTime(CancellationToken stopping)
    {
        if (asking is { IsCompletedSuccessfully: true } answered) FindLagging(answered.Result.Time, answered.Result.Timestamp);
        if (asking is { IsCompleted: true }) asking = null;          // a failed call: leases fail, too, and say so
        if (lagging.Count > 0) MoveAhead();
        if (asking is not null || core.Time.GetElapsedTime(askedTimeAt) < TimeInterval) return;
        askedTimeAt = core.Time.GetTimestamp();
        if (core.KeepsTime || core.KeepsTimers || NextDue is not null) asking = AskAsync(stopping);
    }

    private async Task<(DateTimeOffset Time, long Timestamp)> AskAsync(CancellationToken stopping)
    {
        try
        {
            DateTimeOffset time = await core.Store.GetTimeAsync(stopping).ConfigureAwait(false);
            return (time, core.Time.GetTimestamp());
        }
        catch (Exception)
        {
            return (DateTimeOffset.MinValue, 0);
        }
        finally
        {
            core.Pump.Changed();
        }
    }

    private void FindLagging(DateTimeOffset time, long timestamp)
    {
        lagging.Clear();                             // measured again
        foreach (OwnedPartition partition in core.Partitions.Owned)
            if (time - partition.Scope!.TimeAt(timestamp) is var lag && lag >= LeastLag) lagging.Add((partition, lag));
    }

    // A partition that has a round follows when the round has ended: what is in flight has the time at which the round began.
    private void MoveAhead()
    {
        for (int i = lagging.Count - 1; i >= 0; i--)
        {
            (OwnedPartition partition, TimeSpan lag) = lagging[i];
            lock (sync)
                if (running.Contains(partition.Number)) continue;
            lagging.RemoveAt(i);
            if (partition.IsVoid) continue;
            partition.Scope!.MoveAhead(lag);
            partition.Order!.MoveAhead(lag);
        }
    }
}
