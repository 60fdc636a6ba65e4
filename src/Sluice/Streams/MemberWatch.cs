namespace Sluice;

/// <summary>Judges which members of a group are alive, by this process's own monotonic clock: a member is silent if its heartbeats have not changed for the lease duration that they carry,
/// or if its process was one of this machine and has ended.</summary>
/// <remarks>Thread-safe.</remarks>
internal sealed class MemberWatch(TimeProvider time)
{
    private const int LeaseTimesUntilGone = 10;

    private readonly Dictionary<string, (MemberInfo Member, long SeenAt, bool IsHeard)> seen = new(StringComparer.Ordinal);          // also the lock

    /// <summary>Notes who has sent a heartbeat.</summary>
    public void See(GroupInfo group)
    {
        long now = time.GetTimestamp();
        lock (seen)
        {
            foreach (MemberInfo member in group.Members)
            {
                bool isKnown = seen.TryGetValue(member.Name, out var known);
                if (!isKnown || known.Member != member) seen[member.Name] = (member, now, isKnown);
            }
        }
    }

    /// <summary>Whether a member has sent no heartbeat for its lease duration, or was never seen.</summary>
    public bool IsSilent(string member) => HasBeenSilentFor(1, member) ?? true;

    /// <summary>Whether a member has sent a heartbeat since it was first seen: it lives, as one that is merely in the store may not.</summary>
    public bool HasBeenHeard(string member)
    {
        lock (seen) return seen.TryGetValue(member, out var known) && known.IsHeard && !IsSilent(member);
    }

    /// <summary>
    /// The members that have been silent for so long that nobody waits for them any more, and that own nothing: their processes have died, and their names are not used again. Removing one that
    /// comes back does no harm: it joins again with its next heartbeat.
    /// </summary>
    public List<MemberInfo> Gone(GroupInfo group)
        => [.. group.Members.Where(member => HasBeenSilentFor(LeaseTimesUntilGone, member.Name) == true && group.Partitions.All(partition => partition.Owner != member.Name))];

    /// <summary>A member was removed.</summary>
    public void Forget(string member)
    {
        lock (seen) seen.Remove(member);
    }

    private bool? HasBeenSilentFor(int leases, string member)
    {
        (MemberInfo Member, long SeenAt, bool IsHeard) known;
        lock (seen)
        {
            if (!seen.TryGetValue(member, out known)) return null;
        }
        return time.GetElapsedTime(known.SeenAt) >= known.Member.LeaseDuration * leases || MemberInstance.HasProcessEnded(known.Member.Instance);
    }
}
