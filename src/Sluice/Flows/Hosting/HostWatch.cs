using Sluice.Membership;

namespace Sluice.Flows;

/// <summary>Tells whether a processor has a host, by the members of the group of its work stream.</summary>
/// <remarks>
/// Thread-safe. Looks only when asked, by one call to the store. So a member counts as alive at first sight, unless its process ran on this
/// machine and has ended; and as silent once its heartbeats have not changed for the lease duration that they carry, as in
/// <see cref="MemberWatch"/>. Members that have left are forgotten.
/// </remarks>
internal sealed class HostWatch(IStreamStore store, SupervisorOptions options)
{
    private readonly Dictionary<string, Sight> seen = new(StringComparer.Ordinal);          // by processor; also the lock

    /// <returns>How long no host was seen; zero at the first look, null if there is a host.</returns>
    public async Task<TimeSpan?> NobodyForAsync(string processor, CancellationToken cancellation)
    {
        GroupInfo? group = await store.FindGroupAsync(FlowNames.Hosts(processor), cancellation).ConfigureAwait(false);
        lock (seen)
        {
            long now = options.Time.GetTimestamp();
            Dictionary<string, (MemberInfo Member, long SeenAt)> before = seen.TryGetValue(processor, out Sight? known) ? known.Members
                : [];
            Dictionary<string, (MemberInfo Member, long SeenAt)> members = (group?.Members ?? [])
                .ToDictionary(member => member.Name, member => before.TryGetValue(member.Name, out var last) && last.Member == member ? last
                : (member, now), StringComparer.Ordinal);
            bool isHosted = members.Values.Any(member => options.Time.GetElapsedTime(member.SeenAt, now) < member.Member.LeaseDuration
                && !MemberInstance.HasProcessEnded(member.Member.Instance));
            long? nobodySince = isHosted ? null : known?.NobodySince
                ?? members.Values.Select(member => member.SeenAt).DefaultIfEmpty(now).Max();
            seen[processor] = new(members, nobodySince);
            return nobodySince is { } since ? options.Time.GetElapsedTime(since, now) : null;
        }
    }

    private sealed record Sight(Dictionary<string, (MemberInfo Member, long SeenAt)> Members, long? NobodySince);
}
