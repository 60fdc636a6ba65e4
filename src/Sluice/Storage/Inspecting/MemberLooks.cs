namespace Sluice.Diagnostics;

/// <summary>Watches the heartbeats of members on the inspector's own clock.</summary>
/// <remarks>Thread-safe.</remarks>
internal sealed class MemberLooks(TimeProvider time)
{
    private const int MaxMembers = 100_000;

    private readonly Dictionary<(GroupId Group, string Member), Seen> last = [];

    public IReadOnlyList<MemberLook> Look(GroupId group, GroupInfo info)
    {
        Dictionary<string, int> owned = info.Partitions.Where(static partition => partition.Owner is not null)
            .GroupBy(static partition => partition.Owner!).ToDictionary(static owner => owner.Key, static owner => owner.Count());
        lock (last)
        {
            if (last.Count >= MaxMembers && !info.Members.Any(member => last.ContainsKey((group, member.Name)))) last.Clear();
            List<MemberLook> looks = [.. info.Members.Select(member => Look(group, member, owned.GetValueOrDefault(member.Name)))];
            foreach (string owner in owned.Keys.Where(owner => !info.Members.Any(member => member.Name == owner)))
                looks.Add(new(owner, MemberStatus.NoHeartbeats, null, null, TimeSpan.Zero, owned[owner]));
            looks.Sort(static (left, right) => string.CompareOrdinal(left.Name, right.Name));
            return looks;
        }
    }

    private MemberLook Look(GroupId group, MemberInfo member, int partitions)
    {
        long now = time.GetTimestamp();
        bool isKnown = last.TryGetValue((group, member.Name), out Seen seen);
        if (!isKnown || seen.Instance != member.Instance || seen.Heartbeats != member.Heartbeats)
            last[(group, member.Name)] = seen = new(member.Instance, member.Heartbeats, now, HasChanged: isKnown);
        TimeSpan silence = time.GetElapsedTime(seen.At, now);
        MemberStatus status = silence >= member.LeaseDuration ? MemberStatus.Silent
            : seen.HasChanged ? MemberStatus.Alive : MemberStatus.Unknown;
        return new(member.Name, status, member.Instance, member.LeaseDuration, silence, partitions);
    }

    private readonly record struct Seen(string Instance, long Heartbeats, long At, bool HasChanged);
}
