using Sluice.Storage;

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
            bool isAiling = IsAiling;
            if (isAiling)
            {
                isOverdue = true;
                Interlocked.MemoryBarrier();         // an answer may be noted just now: one of the two threads sees the other
                isAiling = IsAiling;
            }
            GroupInfo? group = isAiling ? await core.Store.FindGroupAsync(core.Group, core.Lifetime.Token).ConfigureAwait(true) : null;
            if (group is not null && !IsCommitless && !group.Partitions.Any(partition => partition.Owner == Self))
                isAiling = false; // without partitions it asks for nothing: its silence would help no other member, and never end
            if (!isAiling)
            {
                isOverdue = false;
                group = await membership.BeatAndLookAsync(core.Lifetime.Token).ConfigureAwait(true);
            }
            if (group is null) throw new StreamStoreException($"The group {core.Group} is not there.");
            See(group);
            await RemoveGoneAsync(group).ConfigureAwait(true);
            if (!MayBeBehind && group.Members.Count < 2) return;
            Volatile.Write(ref latest, new(group, isAiling));
            if (Interlocked.Exchange(ref isTaking, 1) == 0) _ = ShareLaterAsync();
        }
        catch (Exception e)
        {
            if (core.Lifetime.Token.IsCancellationRequested || core.Lifetime.EndIfClosed(e)) return;
            if (e is MemberInUseException)
            {
                core.Lifetime.Failed?.Invoke(e);              // the two would acquire each other's partitions
                return;
            }
            core.Problems.Latest = $"The store does not take heartbeats: {FailureText.Of(e)}";
            _ = core.Recovery.NoticeAsync(e).AsTask();
        }
    }

    // Otherwise every process that ever died would stay in the group, and in every answer to a heartbeat.
    private async Task RemoveGoneAsync(GroupInfo group)
    {
        foreach (MemberInfo member in others.Gone(group))
        {
            await core.Store.LeaveAsync(core.Group, member.Name, member.Instance, core.Lifetime.Token).ConfigureAwait(true);
            others.Forget(member.Name);
        }
    }

    /// <summary>Sends the heartbeat that was left out while the store did not answer. Any thread.</summary>
    private void MakeUp()
    {
        if (isOverdue && !IsAiling) heart!.CallNow();
    }
}
