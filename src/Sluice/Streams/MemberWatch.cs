namespace Sluice;

/// <summary>Who of a group is there, by this process's own monotonic clock: whoever's count of beats has not changed for the lease time is silent.</summary>
/// <remarks>Thread-safe.</remarks>
internal sealed class MemberWatch(TimeProvider time, TimeSpan leaseTime)
{
    private const int LeaseTimesUntilGone = 10;

    private readonly Dictionary<string, (long Beats, long SeenAt)> seen = new(StringComparer.Ordinal);          // also the lock

    /// <summary>Notes who has beaten.</summary>
    public void See(GroupInfo group)
    {
        long now = time.GetTimestamp();
        lock (seen)
        {
            foreach (MemberInfo member in group.Members)
                if (!seen.TryGetValue(member.Name, out var known) || known.Beats != member.Beats) seen[member.Name] = (member.Beats, now);
        }
    }

    /// <summary>Whether somebody has not beaten for the lease time, or was never seen.</summary>
    public bool IsSilent(string member) => HasBeenSilentFor(leaseTime, member) ?? true;

    /// <summary>
    /// Who has been silent for so long that nobody waits for them any more, and has nothing: processes that have died under names that nobody uses again. Whoever removes them does no harm to one that
    /// comes back: it joins again with its next beat.
    /// </summary>
    public List<string> Gone(GroupInfo group)
        => [.. group.Members.Select(member => member.Name).Where(name => HasBeenSilentFor(leaseTime * LeaseTimesUntilGone, name) == true && group.Partitions.All(partition => partition.Owner != name))];

    /// <summary>Somebody was removed.</summary>
    public void Forget(string member)
    {
        lock (seen) seen.Remove(member);
    }

    private bool? HasBeenSilentFor(TimeSpan span, string member)
    {
        lock (seen) return seen.TryGetValue(member, out var known) ? time.GetElapsedTime(known.SeenAt) >= span : null;
    }
}
