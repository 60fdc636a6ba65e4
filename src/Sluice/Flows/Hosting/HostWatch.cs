using Sluice.Diagnostics;
using Sluice.Membership;

namespace Sluice.Flows;

/// <summary>Tells whether a processor has a host, by the members of the group of its work stream.</summary>
/// <remarks>
/// Thread-safe. Looks only when asked, by one call to the store. So a member counts as alive at first sight, unless its process ran on this
/// machine and has ended; and as silent once its heartbeats have not changed for the lease duration that they carry, as in
/// <see cref="MemberWatch"/>, unless it is alive in this process. Members that have left are forgotten.
/// </remarks>
internal sealed class HostWatch(IStreamStore store, TimeProvider time)
{
    private readonly Dictionary<string, Sight> seen = new(StringComparer.Ordinal);          // by processor; also the lock

    /// <summary>
    /// Adds to the report on a processor how long it has had no host, and since when its starts are paused; a processor that has ended
    /// needs none.
    /// </summary>
    public async Task<ProcessorInfo> FindAsync(ProcessorInfo processor, CancellationToken cancellation)
    {
        if (processor.Status > FlowStatus.Running) return processor;
        Sight sight = await LookAsync(processor.Name, cancellation).ConfigureAwait(false);
        return processor with { NoHostFor = sight.NobodyFor, PausedAt = processor.Starts == 0 ? sight.PausedAt : null };
    }

    /// <param name="processor">The name of the processor.</param>
    /// <param name="maxAge">Asks the store only if the last look is this old: watchers of many runs share their looks.</param>
    /// <param name="cancellation">Gives up waiting.</param>
    /// <returns>How long no host was seen; zero at the first look, null if there is a host.</returns>
    public async Task<TimeSpan?> NobodyForAsync(string processor, TimeSpan maxAge, CancellationToken cancellation)
    {
        lock (seen)
            if (seen.TryGetValue(processor, out Sight? last) && time.GetElapsedTime(last.At) < maxAge) return last.NobodyFor;
        return (await LookAsync(processor, cancellation).ConfigureAwait(false)).NobodyFor;
    }

    private async Task<Sight> LookAsync(string processor, CancellationToken cancellation)
    {
        long askedAt = time.GetTimestamp();          // the answer may be as old
        GroupInfo? group = await store.FindGroupAsync(FlowNames.Hosts(processor), cancellation).ConfigureAwait(false);
        lock (seen)
        {
            long now = time.GetTimestamp();
            Dictionary<string, (MemberInfo Member, long SeenAt)> before = seen.TryGetValue(processor, out Sight? known) ? known.Members
                : [];
            Dictionary<string, (MemberInfo Member, long SeenAt)> members = (group?.Members ?? [])
                .ToDictionary(member => member.Name, member => before.TryGetValue(member.Name, out var last) && last.Member == member ? last
                : (member, now), StringComparer.Ordinal);
            bool isHosted = members.Values.Any(member => MemberInstance.IsAlive(member.Member.Instance) == true
                || (time.GetElapsedTime(member.SeenAt, askedAt) < member.Member.LeaseDuration
                    && !MemberInstance.HasProcessEnded(member.Member.Instance)));
            long? nobodySince = isHosted ? null : known?.NobodySince
                ?? members.Values.Select(member => member.SeenAt).DefaultIfEmpty(now).Max();
            TimeSpan? nobodyFor = nobodySince is { } since ? time.GetElapsedTime(since, Math.Max(since, askedAt)) : null;
            return seen[processor] = new(now, members, nobodySince, nobodyFor, group?.PausedAt);
        }
    }

    private sealed record Sight(long At, Dictionary<string, (MemberInfo Member, long SeenAt)> Members, long? NobodySince,
        TimeSpan? NobodyFor, DateTimeOffset? PausedAt);
}
