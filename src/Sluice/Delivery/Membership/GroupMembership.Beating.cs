namespace Sluice.Delivery;

/// <content>
/// The heartbeat. Its awaits come back to the threads of the heartbeats (ConfigureAwait(true)), because the pool might be starved.
/// </content>
internal sealed partial class GroupMembership
{
    private async Task BeatAsync()
    {
        try
        {
            StoreQuestion asked = core.Ask();
            var (group, isAiling) = await heartbeat.SendAsync(core.Lifetime.Token).ConfigureAwait(true);
            See(group, asked);
            core.Problems.OfHeartbeats = null;
            await heartbeat.RemoveGoneAsync(group, core.Lifetime.Token).ConfigureAwait(true);
            await ReleaseUnknownQuarantineAsync(group).ConfigureAwait(true);
            // a partition that was to leave for a member that has left since stays after all; letters may be redriven by other programs
            if (!MayBeBehind && core.Ledger.LetterMoves is null && !group.IsDraining && group.Members.Count < 2
                && !Array.Exists(core.Partitions.Owned, static partition => partition.IsLeaving))
            {
                if (!isAiling) ForgetProblem();
                return;
            }
            Volatile.Write(ref latest, new(group, isAiling));
            if (Interlocked.Exchange(ref isTaking, 1) == 0) _ = ShareLaterAsync();
        }
        catch (Exception e)
        {
            if (core.Lifetime.Token.IsCancellationRequested || core.Lifetime.EndIfClosed(e)) return;
            if (e is MemberInUseException inUse)             // the two would acquire each other's partitions
            {
                if (HasStarted) core.Lifetime.Failed?.Invoke(e);
                else Volatile.Write(ref refusal, inUse);     // the start throws it; a later heartbeat is refused, too
                return;
            }
            core.Problems.OfHeartbeats = $"The store does not take heartbeats: {FailureText.Of(e)}";
            _ = core.Recovery.NoticeAsync(e).AsTask();
        }
    }

    /// <summary>Releases a quarantine that the store says this member has, and that the member does not know of: the answer to its
    /// acquisition was lost, or the store has lost its release. Others see that the member lives, and would wait for it without end.
    /// </summary>
    /// <remarks>The pump is asked behind the look at the group. If it has acquired a quarantine since, the epoch is an earlier one, and the
    /// release does nothing.</remarks>
    private ValueTask ReleaseUnknownQuarantineAsync(GroupInfo group)
        => HasStarted && group.QuarantineOwner == Self && !MayHoldQuarantine
            ? core.Store.ReleaseQuarantineAsync(new(core.Group, group.QuarantineEpoch), core.Lifetime.Token)
            : default;

    /// <summary>Partitions are shared. If the member has none, no lease and no commit would clear another problem.</summary>
    private void ForgetProblem()
    {
        core.Problems.OfSharing = null;
        if (core.Partitions.Owned.Length == 0 && !core.Sinks.AreWaiting && !core.Recovery.IsRecovering) core.Problems.Latest = null;
    }
}
