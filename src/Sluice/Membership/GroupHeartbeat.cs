namespace Sluice.Membership;

/// <summary>
/// The heartbeats of a member that owns partitions. They stop while the store leaves the member's calls unanswered for a lease duration, so
/// that other members take over. The first answer of the store sends a heartbeat at once.
/// </summary>
/// <remarks>
/// Locking rule: no lock. The timer is set once, before any call needs it, and runs one beat at a time. <c>isOverdue</c> is volatile, with
/// a memory barrier between it and the state of the calls on both sides. Any thread may call <see cref="NoteAnswer"/>.
/// </remarks>
/// <param name="member">The member.</param>
/// <param name="others">The other members, who are removed when they are gone.</param>
/// <param name="leaseDuration">The lease duration of the member.</param>
/// <param name="time">The clock.</param>
/// <param name="isCommitOverdue">Whether commits have had no answer for a lease duration.</param>
/// <param name="isLeaseOverdue">Whether leases have had no answer for a lease duration.</param>
internal sealed class GroupHeartbeat(GroupMember member, MemberWatch others, TimeSpan leaseDuration, TimeProvider time,
    Func<bool> isCommitOverdue, Func<bool> isLeaseOverdue)
{
    private const int BeatsPerLeaseTime = 3;
    private const int MaxRemovalsPerBeat = 64;       // more would delay the next heartbeat
    private static readonly TimeSpan Longest = TimeSpan.FromDays(1);

    private HeartbeatTimer? timer;
    private volatile bool isOverdue;                 // a heartbeat was left out

    /// <summary>Whether the store leaves calls of the member unanswered: then no heartbeat is sent.</summary>
    public bool IsAiling => isCommitOverdue() || isLeaseOverdue();

    /// <summary>Starts the timer, unless it was started before.</summary>
    /// <param name="beat">Called for each heartbeat, on a thread of the heartbeats. It calls <see cref="SendAsync"/>.</param>
    /// <param name="failed">Called with an exception of the beat.</param>
    public void Start(Func<Task> beat, Action<Exception> failed)
    {
        TimeSpan interval = leaseDuration / BeatsPerLeaseTime;
        timer ??= new(time, interval < Longest ? interval : Longest, beat, failed);
    }

    /// <summary>Ends the heartbeats.</summary>
    /// <returns>A task that completes when the current beat has ended.</returns>
    public Task StopAsync() => timer?.StopAsync() ?? Task.CompletedTask;

    /// <summary>Sends the next heartbeat now. Does nothing before the start.</summary>
    public void SendNow() => timer?.CallNow();

    /// <summary>Sends a heartbeat, unless the store leaves calls unanswered, and looks at the group.</summary>
    /// <returns>The group, and whether no heartbeat was sent.</returns>
    /// <exception cref="MemberInUseException">Another instance has taken the name since.</exception>
    public async ValueTask<(GroupInfo Group, bool IsAiling)> SendAsync(CancellationToken cancellation)
    {
        bool isAiling = IsAiling;
        if (isAiling)
        {
            isOverdue = true;
            Interlocked.MemoryBarrier();             // an answer may be noted just now: one of the two threads sees the other
            isAiling = IsAiling;
        }
        GroupInfo? group = isAiling ? await member.LookAsync(cancellation).ConfigureAwait(true) : null;
        if (group is not null && !isCommitOverdue() && !group.Partitions.Any(partition => partition.Owner == member.Name))
            isAiling = false; // without partitions it asks for nothing: its silence would help no other member, and never end
        if (!isAiling)
        {
            isOverdue = false;
            group = await member.BeatAndLookAsync(cancellation).ConfigureAwait(true);
        }
        return (group!, isAiling);
    }

    /// <summary>
    /// Removes members whose processes are dead: otherwise they would stay in the group, and in every answer. Leaves the rest of many to
    /// the next call.
    /// </summary>
    public async ValueTask RemoveGoneAsync(GroupInfo group, CancellationToken cancellation)
    {
        List<MemberInfo> all = others.Gone(group);
        int first = all.Count > MaxRemovalsPerBeat ? Random.Shared.Next(all.Count) : 0;       // each member of the group other ones
        for (int i = 0; i < Math.Min(all.Count, MaxRemovalsPerBeat); i++)
        {
            MemberInfo gone = all[(first + i) % all.Count];
            await member.RemoveAsync(gone, cancellation).ConfigureAwait(true);
            others.Forget(gone.Name);
        }
    }

    /// <summary>The store has answered a call. Sends the heartbeat that was left out.</summary>
    public void NoteAnswer()
    {
        Interlocked.MemoryBarrier();                 // the answer was noted before
        if (isOverdue && !IsAiling) timer?.CallNow();
    }
}
