namespace Sluice.Diagnostics;

/// <summary>Watches the heartbeats of members on the inspector's own clock.</summary>
/// <remarks>Thread-safe.</remarks>
internal sealed class MemberLooks(TimeProvider time)
{
    private const int MaxMembers = 100_000;

    // If there are very many members, those that no caller has looked at for this time are forgotten.
    private static readonly TimeSpan Kept = TimeSpan.FromHours(1);

    private int most = MaxMembers;
    private readonly Dictionary<(GroupId Group, string Member), Seen> last = [];

    /// <param name="group">The group.</param>
    /// <param name="info">The answer of the store.</param>
    /// <param name="askedAt">A timestamp from before the call that returned it.</param>
    public IReadOnlyList<MemberLook> Look(GroupId group, GroupInfo info, long askedAt)
    {
        Dictionary<string, int> owned = info.Partitions.Where(static partition => partition.Owner is not null)
            .GroupBy(static partition => partition.Owner!).ToDictionary(static owner => owner.Key, static owner => owner.Count());
        lock (last)
        {
            if (last.Count >= most) Forget();
            List<MemberLook> looks = [.. info.Members.Select(member => Look(group, member, owned.GetValueOrDefault(member.Name), askedAt))];
            foreach (string owner in owned.Keys.Where(owner => !info.Members.Any(member => member.Name == owner)))
                looks.Add(new(owner, MemberStatus.NoHeartbeats, null, null, TimeSpan.Zero, owned[owner]));
            looks.Sort(static (left, right) => string.CompareOrdinal(left.Name, right.Name));
            return looks;
        }
    }

    private void Forget()
    {
        long now = time.GetTimestamp();
        foreach (((GroupId, string) key, Seen seen) in last)
            if (time.GetElapsedTime(seen.LookedAt, now) >= Kept) last.Remove(key);
        most = Math.Max(MaxMembers, 2 * last.Count);
    }

    private MemberLook Look(GroupId group, MemberInfo member, int partitions, long askedAt)
    {
        long now = time.GetTimestamp();
        bool isKnown = last.TryGetValue((group, member.Name), out Seen seen);
        seen = isKnown && seen.Instance == member.Instance && seen.Heartbeats == member.Heartbeats
            ? seen with { Silence = seen.Silence.Seen(askedAt, member.LeaseDuration, time), LookedAt = now }
            : new(member.Instance, member.Heartbeats, now, Silence.Since(now), HasChanged: isKnown, LookedAt: now);
        last[(group, member.Name)] = seen;
        TimeSpan silentFor = time.GetElapsedTime(seen.At, now);
        // A time without looks proves neither: the store may have been away, and have taken no heartbeats.
        MemberStatus status = seen.Silence.Duration >= member.LeaseDuration ? MemberStatus.Silent
            : seen.HasChanged && silentFor < member.LeaseDuration ? MemberStatus.Alive : MemberStatus.Unknown;
        return new(member.Name, status, member.Instance, member.LeaseDuration, silentFor, partitions);
    }

    private readonly record struct Seen(string Instance, long Heartbeats, long At, Silence Silence, bool HasChanged, long LookedAt);
}
