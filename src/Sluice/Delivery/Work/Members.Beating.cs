namespace Sluice;

// What the heart does. All of it is its thread's, but for what says otherwise.
internal sealed partial class Members
{
    /// <summary>The heart's thread.</summary>
    private void Beat()
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
            GroupInfo? group = isAiling ? Wait(core.Store.FindGroupAsync(core.Group, core.Life)) : null;
            if (group is not null && !IsCommitless && !group.Partitions.Any(partition => partition.Owner == Self))
                isAiling = false;                    // it has nothing that it could ask for: its silence helps nobody, and nothing would ever end it
            if (!isAiling)
            {
                isOverdue = false;
                group = Wait(core.Store.BeatAsync(core.Group, Self, core.Life));
            }
            if (group is null) throw new StreamStoreException($"The group {core.Group} is not there.");
            See(group);
            RemoveGone(group);
            if (!MayBeBehind && group.Members.Count < 2) return;
            Volatile.Write(ref latest, new(group, isAiling));
            if (Interlocked.Exchange(ref isTaking, 1) == 0) _ = ShareLaterAsync();
        }
        catch (Exception e)
        {
            if (core.Life.IsCancellationRequested || core.EndIfClosed(e)) return;
            core.Problem = $"The store does not take heartbeats: {FailureText.Of(e)}";
            _ = core.Losses.NoticeAsync(e).AsTask();
        }
    }

    // Or every process that ever died would stay in the group, and in every answer to a beat.
    private void RemoveGone(GroupInfo group)
    {
        foreach (string member in others.Gone(group))
        {
            Wait(core.Store.LeaveAsync(core.Group, member, core.Life));
            others.Forget(member);
        }
    }

    /// <summary>The store has answered: a beat that was not made because it had not is made now. Any thread.</summary>
    private void MakeUp()
    {
        if (isOverdue && !IsAiling) heart!.CallNow();
    }

    /// <summary>Blocks the heart's thread, not one of the pool's: there might be none that could go on.</summary>
    private static void Wait(ValueTask answer) => answer.AsTask().GetAwaiter().GetResult();
    private static T Wait<T>(ValueTask<T> answer) => answer.AsTask().GetAwaiter().GetResult();
}
