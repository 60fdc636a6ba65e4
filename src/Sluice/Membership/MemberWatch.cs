namespace Sluice.Membership;

/// <summary>
/// Decides which members of a group are alive, by this process's monotonic clock. A member is silent if the looks of its lease duration
/// have seen the same heartbeat count, or if its process on this machine has ended. <see cref="Silence"/> says how times without looks
/// count.
/// </summary>
/// <remarks>Locking rule: all state is under the lock <c>seen</c>, under which only the clock is called. Any thread may call.</remarks>
internal sealed class MemberWatch(TimeProvider time)
{
    private const int LeaseTimesUntilGone = 10;

    private readonly Dictionary<string, Sight> seen = new(StringComparer.Ordinal);          // also the lock

    /// <summary>Records the heartbeats of a group's members.</summary>
    /// <param name="group">The group.</param>
    /// <param name="askedAt">A timestamp from before the call that returned the group: the answer may be as old.</param>
    public void See(GroupInfo group, long askedAt)
    {
        long now = time.GetTimestamp();
        lock (seen)
        {
            foreach (MemberInfo member in group.Members)
            {
                bool isKnown = seen.TryGetValue(member.Name, out Sight known);
                seen[member.Name] = isKnown && known.Member == member ? Still(known, askedAt)
                    : new(member, now, Silence.Since(now), isKnown);
            }
            if (seen.Count > group.Members.Count) SeeAbsent(group, askedAt);
        }
    }

    /// <summary>Whether a member was silent for its lease duration, or was never seen.</summary>
    public bool IsSilent(string member) => HasBeenSilentFor(1, member) ?? true;

    /// <summary>
    /// Whether a member is alive: it has sent a heartbeat since it was first seen, and within its lease duration. Its mere presence in the
    /// store proves nothing.
    /// </summary>
    public bool HasBeenHeard(string member)
    {
        Sight known;
        lock (seen)
        {
            if (!seen.TryGetValue(member, out known)) return false;
        }
        return known.IsHeard && time.GetElapsedTime(known.Since) < known.Member.LeaseDuration
            && !MemberInstance.HasProcessEnded(known.Member.Instance);
    }

    /// <summary>
    /// Returns members without partitions that have been silent for ten lease durations: their processes are dead. If such a member
    /// returns, it joins again with its next heartbeat.
    /// </summary>
    public List<MemberInfo> Gone(GroupInfo group)
        => [.. group.Members.Where(member => HasBeenSilentFor(LeaseTimesUntilGone, member.Name) == true
        && group.Partitions.All(partition => partition.Owner != member.Name))];

    /// <summary>Forgets a removed member.</summary>
    public void Forget(string member)
    {
        lock (seen) seen.Remove(member);
    }

    /// <summary>Forgets the members that have left. One that still owns something counts as silent, not as gone.</summary>
    private void SeeAbsent(GroupInfo group, long askedAt)
    {
        HashSet<string> present = [.. group.Members.Select(static member => member.Name)];
        foreach (string absent in seen.Keys.Where(name => !present.Contains(name)).ToArray())
            if (group.QuarantineOwner == absent || group.Partitions.Any(partition => partition.Owner == absent))
                seen[absent] = Still(seen[absent], askedAt);
            else seen.Remove(absent);
    }

    private bool? HasBeenSilentFor(int leases, string member)
    {
        Sight known;
        lock (seen)
        {
            if (!seen.TryGetValue(member, out known)) return null;
        }
        return known.Silence.Duration >= known.Member.LeaseDuration * leases
            || MemberInstance.HasProcessEnded(known.Member.Instance);
    }

    private Sight Still(Sight known, long askedAt)
        => known with { Silence = known.Silence.Seen(askedAt, known.Member.LeaseDuration, time) };

    /// <summary>The last heartbeat of a member.</summary>
    /// <param name="Member">The member with its heartbeat count.</param>
    /// <param name="Since">When the count was known at first.</param>
    /// <param name="Silence">How long looks have seen the same count.</param>
    /// <param name="IsHeard">Whether the count has changed since the member was first seen.</param>
    private readonly record struct Sight(MemberInfo Member, long Since, Silence Silence, bool IsHeard);
}
