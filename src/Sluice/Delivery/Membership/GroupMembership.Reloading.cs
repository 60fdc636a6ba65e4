namespace Sluice.Delivery;

/// <content>Partitions that are given back and acquired anew, or given back because they are lost.</content>
internal sealed partial class GroupMembership
{
    private volatile Task reloading = Task.CompletedTask;
    private volatile OwnedPartition[] reloaded = []; // lost by a reload that may not have released them yet

    /// <summary>Gives all partitions back and acquires them anew, after a lease whose outcome is unknown.</summary>
    /// <returns>Whether the store has answered; else the caller repeats the call.</returns>
    public Task<bool> ReloadAsync()
    {
        Task<bool> reload = ReloadOnceAsync();
        reloading = reload;
        return reload;
    }

    private async Task<bool> ReloadOnceAsync()
    {
        try
        {
            OwnedPartition[] owned = core.Partitions.Owned;
            OwnedPartition[] lost = [.. owned, .. reloaded.Where(earlier => !Array.Exists(owned, own => own.Number == earlier.Number))];
            reloaded = lost;
            // all of them first: if the next call fails, the next attempt releases the others, or the next beat acquires them anew
            foreach (OwnedPartition partition in owned) core.Partitions.Lose(partition);
            foreach (OwnedPartition partition in lost)
                await core.Store.ReleaseAsync(partition.Owner, core.Lifetime.Token).ConfigureAwait(false);
            reloaded = [];
            if (leaving.IsCancellationRequested) return true;        // a heartbeat would join again
            StoreQuestion asked = core.Ask();
            GroupInfo group = await member.BeatAndLookAsync(core.Lifetime.Token).ConfigureAwait(false);
            See(group, asked);                     // otherwise a new member would count as silent
            await TakeFreeAsync(group).ConfigureAwait(false);
            return true;
        }
        catch (Exception e) when (!core.Lifetime.Token.IsCancellationRequested)
        {
            if (core.Recovery.Learn(e))
            {
                reloaded = [];                       // the store does not know them; the recovery acquires all anew
                return true;
            }
            core.Problems.Latest = $"The store does not answer: {FailureText.Of(e)}";
            return false;
        }
    }

    /// <summary>Gives back a partition and acquires it anew. Does nothing while an item of the partition is in flight.</summary>
    public async Task RenewAsync(OwnedPartition partition)
    {
        await taking.EnterAsync(core.Lifetime.Token).ConfigureAwait(false);
        try
        {
            if (!MayMove || !core.Ledger.TryVoid(partition, core.Rounds is { } rounds ? rounds.IsResting : null))
                return;
            core.Partitions.Lose(partition);
            await core.Store.ReleaseAsync(partition.Owner, core.Lifetime.Token).ConfigureAwait(false);
        }
        finally
        {
            taking.Leave();
        }
        if (await core.Store.FindGroupAsync(core.Group, core.Lifetime.Token).ConfigureAwait(false) is { } group && !IsReplacedIn(group))
            await TakeFreeAsync(group).ConfigureAwait(false);
    }

    /// <summary>Gives back the leases of a lost partition. If the store does not answer, their items become suspects.</summary>
    public async Task TryReleaseAsync(OwnedPartition partition)
    {
        try
        {
            await core.Store.ReleaseAsync(partition.Owner, core.Lifetime.Token).ConfigureAwait(false);
        }
        catch (StreamStoreException e)
        {
            if (!core.Recovery.Learn(e)) core.Problems.OfHeartbeats = $"The store does not answer: {FailureText.Of(e)}";
        }
    }
}
