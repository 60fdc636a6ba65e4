namespace Sluice.Delivery;

/// <content>
/// A member that has released its partitions in a drain leases nothing, so no lease tells it of the end of the drain. It waits for changes
/// of the stream, and looks at the group after each, at most once in a second; its heartbeats look, too.
/// </content>
internal sealed partial class GroupMembership
{
    private static readonly TimeSpan BetweenLooks = TimeSpan.FromSeconds(1);

    private volatile bool isDraining;
    private int isAwaitingEnd;

    /// <summary>Whether the group was draining when this member saw it last.</summary>
    public bool IsDraining => isDraining;

    /// <summary>Sends the next heartbeat now, and so looks at the group and shares its partitions. Any thread.</summary>
    public void LookNow() => heartbeat.SendNow();

    private void SeeDrain(GroupInfo group)
    {
        isDraining = group.IsDraining;
        if (isDraining && Interlocked.Exchange(ref isAwaitingEnd, 1) == 0) _ = AwaitEndOfDrainAsync();
    }

    private async Task AwaitEndOfDrainAsync()
    {
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);          // the caller goes on at once
        try
        {
            for (long seen = -1; isDraining;)
            {
                bool isFirst = seen < 0;
                seen = await core.Store.WaitForChangeAsync(core.Group.Stream, seen, leaving.Token).ConfigureAwait(false);
                LookNow();                           // the first time, too: the drain may have ended since the look that told of it
                if (!isFirst) await Task.Delay(BetweenLooks, core.Time, leaving.Token).ConfigureAwait(false);
            }
        }
        catch (Exception e) when (e is OperationCanceledException or StreamStoreException or ObjectDisposedException)
        {
            // The next heartbeat looks at the group, and waits again if it must.
        }
        finally
        {
            Volatile.Write(ref isAwaitingEnd, 0);
        }
    }
}
