namespace Sluice;

/// <summary>A member of a group: joins under a name that one instance has at a time, sends heartbeats, leaves.</summary>
/// <remarks>Thread-safe; has no state of its own.</remarks>
internal sealed class Membership(IStreamStore store, GroupId group, string member, MemberInstance instance, TimeSpan leaseTime, TimeProvider time)
{
    private const int LooksPerLeaseTime = 6;         // a living instance beats three times in it

    private HeartbeatRequest Request => new(group, member, instance.Id, leaseTime);

    /// <summary>
    /// Joins the group. If another instance has the name, this call watches it for its lease duration: an instance that sends a heartbeat meanwhile is alive and keeps the name, a silent one
    /// is replaced.
    /// </summary>
    /// <param name="waiting">Is told what this call waits for; null when it waits no more.</param>
    /// <param name="cancellation">Gives up waiting.</param>
    /// <returns>The group.</returns>
    /// <exception cref="MemberInUseException">Another instance of that name is alive.</exception>
    public async Task<GroupInfo> JoinAsync(Action<string?> waiting, CancellationToken cancellation)
    {
        instance.Begin();
        HeartbeatResult answer = await store.HeartbeatAsync(Request, cancellation).ConfigureAwait(false);
        MemberInfo holder = answer.Holder;
        for (long since = time.GetTimestamp(); answer.Status == HeartbeatStatus.Refused;)
        {
            // An instance that is known to have ended may have left a heartbeat behind, which arrives now.
            bool? isAlive = MemberInstance.IsAlive(answer.Holder.Instance);
            if (isAlive ?? answer.Holder != holder) throw InUse();
            TimeSpan left = holder.LeaseDuration - time.GetElapsedTime(since);
            if (isAlive is null && left > TimeSpan.Zero)
            {
                waiting($"It waits up to {holder.LeaseDuration} to see whether an earlier process is still alive as the member '{member}' of {group}.");
                TimeSpan pause = holder.LeaseDuration / LooksPerLeaseTime;
                await Task.Delay(pause < left ? pause : left, time, cancellation).ConfigureAwait(false);
                answer = await store.HeartbeatAsync(Request, cancellation).ConfigureAwait(false);
            }
            else answer = await store.HeartbeatAsync(Request with { Replaces = answer.Holder }, cancellation).ConfigureAwait(false);
            if (answer.Status == HeartbeatStatus.Accepted) waiting(null);
        }
        return await store.FindGroupAsync(group, cancellation).ConfigureAwait(false) ?? throw Gone();
    }

    /// <summary>Sends a heartbeat. Goes on where the caller is: on the thread of the hearts.</summary>
    /// <exception cref="MemberInUseException">Another instance has taken the name since: this one was silent for longer than its lease time.</exception>
    public async ValueTask BeatAsync(CancellationToken cancellation)
    {
        if ((await store.HeartbeatAsync(Request, cancellation).ConfigureAwait(true)).Status == HeartbeatStatus.Refused) throw InUse();
    }

    /// <summary>Sends a heartbeat, then looks at the group.</summary>
    /// <exception cref="MemberInUseException">Another instance has taken the name since.</exception>
    public async ValueTask<GroupInfo> BeatAndLookAsync(CancellationToken cancellation)
    {
        await BeatAsync(cancellation).ConfigureAwait(true);
        return await store.FindGroupAsync(group, cancellation).ConfigureAwait(true) ?? throw Gone();
    }

    public ValueTask LeaveAsync(CancellationToken cancellation = default) => store.LeaveAsync(group, member, instance.Id, cancellation);

    private StreamStoreException Gone() => new($"The group {group} is not there.") { Stream = group.Stream };

    private MemberInUseException InUse() => new(
        $"Another process is at work as the member '{member}' of {group}. Two members of one name would take each other's partitions. Give each process a name of its own "
        + "(ConsecutorOptions.InstanceId, SupervisorOptions.Name), or leave the name out: the default differs in each process. If the other process is the one to end, stop it first.")
    { Member = member };
}
