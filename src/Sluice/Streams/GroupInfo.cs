namespace Sluice;

/// <summary>A consumer group at a moment.</summary>
/// <param name="Members">Who has sent heartbeats and not left, by name.</param>
/// <param name="Partitions">All partitions, by number.</param>
/// <param name="QuarantineOwner">Who may run suspects; null if nobody.</param>
/// <param name="QuarantineEpoch">Raised by every taking of the quarantine; zero if it was never taken.</param>
public sealed record GroupInfo(
    IReadOnlyList<MemberInfo> Members, IReadOnlyList<PartitionInfo> Partitions, string? QuarantineOwner, long QuarantineEpoch);

/// <summary>A member of a group.</summary>
/// <param name="Name">The member.</param>
/// <param name="Heartbeats">
/// How many heartbeats were sent under the name. An observer judges whether the member is alive: it is silent if the count has not changed for <paramref name="LeaseDuration"/> on the
/// observer's own monotonic clock.
/// </param>
/// <param name="Instance">Which start of the member sends them.</param>
/// <param name="LeaseDuration">How long this member may be silent, as its last heartbeat said.</param>
public readonly record struct MemberInfo(string Name, long Heartbeats, string Instance, TimeSpan LeaseDuration);

/// <summary>A partition, as a group sees it.</summary>
/// <param name="Partition">The number, from zero.</param>
/// <param name="Epoch">Raised by every taking; zero if it was never taken.</param>
/// <param name="Owner">Who took it last and has not released it; null if nobody.</param>
/// <param name="Version">The version of the code that wrote it last.</param>
/// <param name="Tail">The sequence of the last entry; zero if there was none.</param>
/// <param name="Dispatched">Everything up to here was leased at least once.</param>
/// <param name="Done">Everything up to here has ended or waits.</param>
/// <param name="Waiting">How many wait: retrying, parked, suspects. An owner that finds this large should say so.</param>
public readonly record struct PartitionInfo(
    int Partition, long Epoch, string? Owner, int Version, long Tail, long Dispatched, long Done, long Waiting);
