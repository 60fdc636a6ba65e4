namespace Sluice;

// What the heart does. Its awaits come back to the threads of the hearts (ConfigureAwait(true)): the pool might be starved.
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
                Interlocked.MemoryBarrier();         // the answer may be noted just now: it is seen here, or this is seen there
                isAiling = IsAiling;
            }
            GroupInfo? group = isAiling ? await core.Store.FindGroupAsync(core.Group, core.Life).ConfigureAwait(true) : null;
            if (group is not null && !IsCommitless && !group.Partitions.Any(partition => partition.Owner == Self))
                isAiling = false;                    // it has nothing that it could ask for: its silence helps nobody, and nothing would ever end it
            if (!isAiling)
            {
                isOverdue = false;
                group = await membership.BeatAndLookAsync(core.Life).ConfigureAwait(true);
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
            if (core.Life.IsCancellationRequested || core.EndIfClosed(e)) return;
            if (e is MemberInUseException)
            {
                core.Failed?.Invoke(e);              // whatever the two took would be taken from each other
                return;
            }
            core.Problem = $"The store does not take heartbeats: {FailureText.Of(e)}";
            _ = core.Losses.NoticeAsync(e).AsTask();
        }
    }

    // Or every process that ever died would stay in the group, and in every answer to a beat.
    private async Task RemoveGoneAsync(GroupInfo group)
    {
        foreach (MemberInfo member in others.Gone(group))
        {
            await core.Store.LeaveAsync(core.Group, member.Name, member.Instance, core.Life).ConfigureAwait(true);
            others.Forget(member.Name);
        }
    }

    /// <summary>The store has answered: a beat that was not made because it had not is made now. Any thread.</summary>
    private void MakeUp()
    {
        if (isOverdue && !IsAiling) heart!.CallNow();
    }
}
