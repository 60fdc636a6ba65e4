namespace Sluice.Diagnostics;

/// <summary>Watches the heartbeats of members on the inspector's own clock.</summary>
/// <remarks>Thread-safe.</remarks>
internal sealed class MemberLooks(TimeProvider time)
{
    private const int MaxMembers = 100_000;

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
            if (last.Count >= MaxMembers && !info.Members.Any(member => last.ContainsKey((group, member.Name)))) last.Clear();
            List<MemberLook> looks = [.. info.Members.Select(member => Look(group, member, owned.GetValueOrDefault(member.Name), askedAt))];
            foreach (string owner in owned.Keys.Where(owner => !info.Members.Any(member => member.Name == owner)))
                looks.Add(new(owner, MemberStatus.NoHeartbeats, null, null, TimeSpan.Zero, owned[owner]));
            looks.Sort(static (left, right) => string.CompareOrdinal(left.Name, right.Name));
            return looks;
        }
    }

    private MemberLook Look(GroupId group, MemberInfo member, int partitions, long askedAt)
    {
        long now = time.GetTimestamp();
        bool isKnown = last.TryGetValue((group, member.Name), out Seen seen);
        seen = isKnown && seen.Instance == member.Instance && seen.Heartbeats == member.Heartbeats
            ? seen with { Silence = seen.Silence.Seen(askedAt, member.LeaseDuration, time) }
            : new(member.Instance, member.Heartbeats, now, Silence.Since(now), HasChanged: isKnown);
        last[(group, member.Name)] = seen;
        TimeSpan silentFor = time.GetElapsedTime(seen.At, now);
        // A time without looks proves neither: the store may have been away, and have taken no heartbeats.
        MemberStatus status = seen.Silence.Duration >= member.LeaseDuration ? MemberStatus.Silent
            : seen.HasChanged && silentFor < member.LeaseDuration ? MemberStatus.Alive : MemberStatus.Unknown;
        return new(member.Name, status, member.Instance, member.LeaseDuration, silentFor, partitions);
    }

    private readonly record struct Seen(string Instance, long Heartbeats, long At, Silence Silence, bool HasChanged);
}
