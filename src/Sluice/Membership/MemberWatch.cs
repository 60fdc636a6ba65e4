using Sluice.Storage;

namespace Sluice.Membership;

/// <summary>
/// Decides which members of a group are alive, by this process's monotonic clock. A member is silent if its heartbeat count stays the same
/// for the lease duration that it carries, or if its process on this machine has ended.
/// </summary>
/// <remarks>Locking rule: all state is under the lock <c>seen</c>, under which nothing else is called. Any thread may call.</remarks>
internal sealed class MemberWatch(TimeProvider time)
{
    private const int LeaseTimesUntilGone = 10;

    private readonly Dictionary<string, (MemberInfo Member, long SeenAt, bool IsHeard)> seen = new(StringComparer.Ordinal); // also the lock

    /// <summary>Records the heartbeats of a group's members.</summary>
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

    /// <summary>Whether a member was silent for its lease duration, or was never seen.</summary>
    public bool IsSilent(string member) => HasBeenSilentFor(1, member) ?? true;

    /// <summary>
    /// Whether a member is alive: it has sent a heartbeat since it was first seen. Its mere presence in the store proves nothing.
    /// </summary>
    public bool HasBeenHeard(string member)
    {
        lock (seen) return seen.TryGetValue(member, out var known) && known.IsHeard && !IsSilent(member);
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

    private bool? HasBeenSilentFor(int leases, string member)
    {
        (MemberInfo Member, long SeenAt, bool IsHeard) known;
        lock (seen)
        {
            if (!seen.TryGetValue(member, out known)) return null;
        }
        return time.GetElapsedTime(known.SeenAt) >= known.Member.LeaseDuration * leases
            || MemberInstance.HasProcessEnded(known.Member.Instance);
    }
}
