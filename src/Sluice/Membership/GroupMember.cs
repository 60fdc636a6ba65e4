namespace Sluice.Membership;

/// <summary>A member of a group. It joins under a name that one instance holds at a time, sends heartbeats, and leaves.</summary>
/// <remarks>Locking rule: no lock; it has no state. Any thread may call.</remarks>
internal sealed class GroupMember(IStreamStore store, GroupId group, string member, MemberInstance instance, TimeSpan leaseTime,
    TimeProvider time)
{
    private const int LooksPerLeaseTime = 6;         // a living instance sends three heartbeats in it

    /// <summary>The name of the member.</summary>
    public string Name => member;

    private HeartbeatRequest Request => new(group, member, instance.Id, leaseTime);

    /// <summary>
    /// Joins the group. If another instance holds the name, this call watches it for its lease duration. An instance that sends a heartbeat
    /// keeps the name; a silent one is replaced.
    /// </summary>
    /// <param name="waiting">Receives the reason of the wait; null once the wait is over.</param>
    /// <param name="cancellation">Gives up waiting.</param>
    /// <returns>The group after the join.</returns>
    /// <exception cref="MemberInUseException">Another instance of that name is alive.</exception>
    public async Task<GroupInfo> JoinAsync(Action<string?> waiting, CancellationToken cancellation)
    {
        instance.Begin();
        HeartbeatResult answer = await store.HeartbeatAsync(Request, cancellation).ConfigureAwait(false);
        MemberInfo holder = answer.Holder;
        for (var silence = Silence.Since(time.GetTimestamp()); answer.Status == HeartbeatStatus.Refused;)
        {
            // The last heartbeat of an instance that is known to have ended may arrive late.
            bool? isAlive = MemberInstance.IsAlive(answer.Holder.Instance);
            if (isAlive ?? answer.Holder != holder) throw InUse(answer.Holder.Instance);
            TimeSpan left = holder.LeaseDuration - silence.Duration;
            if (isAlive is null && left > TimeSpan.Zero)
            {
                waiting($"The name '{member}' is taken in {group}, perhaps by an earlier start of this process. This process waits up to "
                    + $"{holder.LeaseDuration.TotalSeconds:0.#} s, until it knows whether the other one is alive.");
                TimeSpan pause = holder.LeaseDuration / LooksPerLeaseTime;
                await Task.Delay(pause < left ? pause : left, time, cancellation).ConfigureAwait(false);
                silence = silence.Seen(time.GetTimestamp(), holder.LeaseDuration, time);
                answer = await store.HeartbeatAsync(Request, cancellation).ConfigureAwait(false);
            }
            else answer = await store.HeartbeatAsync(Request with { Replaces = answer.Holder }, cancellation).ConfigureAwait(false);
            if (answer.Status == HeartbeatStatus.Accepted) waiting(null);
        }
        return await store.FindGroupAsync(group, cancellation).ConfigureAwait(false) ?? throw Gone();
    }

    /// <summary>Sends a heartbeat. Continues on the caller's thread, the heartbeat thread.</summary>
    /// <exception cref="MemberInUseException">
    /// Another instance has taken the name: this one was silent for longer than its lease duration.
    /// </exception>
    public async ValueTask BeatAsync(CancellationToken cancellation)
    {
        HeartbeatResult answer = await store.HeartbeatAsync(Request, cancellation).ConfigureAwait(true);
        if (answer.Status == HeartbeatStatus.Refused) throw InUse(answer.Holder.Instance);
    }

    /// <summary>Sends a heartbeat, then returns the group.</summary>
    /// <exception cref="MemberInUseException">Another instance has taken the name since.</exception>
    public async ValueTask<GroupInfo> BeatAndLookAsync(CancellationToken cancellation)
    {
        await BeatAsync(cancellation).ConfigureAwait(true);
        return await LookAsync(cancellation).ConfigureAwait(true);
    }

    /// <summary>Returns the group. Continues on the caller's thread.</summary>
    /// <exception cref="MemberInUseException">Another instance has taken the name since.</exception>
    public async ValueTask<GroupInfo> LookAsync(CancellationToken cancellation)
    {
        GroupInfo info = await store.FindGroupAsync(group, cancellation).ConfigureAwait(true) ?? throw Gone();
        return Replaced(info) is { } replaced ? throw replaced : info;
    }

    /// <summary>Whether another instance has taken the name: what the store says is this member's belongs to that instance.</summary>
    public bool IsReplacedIn(GroupInfo info) => ReplacedBy(info) is not null;

    /// <returns>The error that another instance has taken the name; null if none has.</returns>
    public MemberInUseException? Replaced(GroupInfo info) => ReplacedBy(info) is { } other ? InUse(other) : null;

    /// <summary>Removes another member from the group, unless it has joined anew since.</summary>
    public ValueTask RemoveAsync(MemberInfo other, CancellationToken cancellation)
        => store.LeaveAsync(group, other.Name, other.Instance, cancellation);

    public ValueTask LeaveAsync(CancellationToken cancellation = default) => store.LeaveAsync(group, member, instance.Id, cancellation);

    private StreamStoreException Gone() => new($"The group {group} is not there.") { Stream = group.Stream };

    private string? ReplacedBy(GroupInfo info)
    {
        foreach (MemberInfo other in info.Members)
            if (other.Name == member) return other.Instance != instance.Id ? other.Instance : null;
        return null;
    }

    private MemberInUseException InUse(string holder) => new(MemberInstance.IsOfThisProcess(holder)
        ? $"Two members of this process are called '{member}' in {group}, probably over two store objects of the same store: this one "
            + "does no work there. Share one store object, or give each member a name of its own (ConsecutorOptions.InstanceId, "
            + "SupervisorOptions.Name)."
        : $"Two processes are called '{member}', and the other one is at work in {group}: this one does no work there. Two members of one "
            + $"name would take each other's partitions. Give each process a name of its own "
        + "(ConsecutorOptions.InstanceId, SupervisorOptions.Name), or leave the name out: the default differs in each process. If the "
        + "other process is the one to end, stop it first.")
    { Member = member };
}
