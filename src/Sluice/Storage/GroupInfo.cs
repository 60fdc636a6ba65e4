namespace Sluice.Storage;

/// <summary>A snapshot of a consumer group.</summary>
/// <param name="Members">The members that have sent heartbeats and not left, by name.</param>
/// <param name="Partitions">All partitions, by number.</param>
/// <param name="QuarantineOwner">The member that may run suspects; null if there is none.</param>
/// <param name="QuarantineEpoch">The quarantine's epoch, raised by every acquisition; zero if it was never acquired.</param>
public sealed record GroupInfo(
    IReadOnlyList<MemberInfo> Members, IReadOnlyList<PartitionInfo> Partitions, string? QuarantineOwner, long QuarantineEpoch)
{
    /// <summary>The time at which the group was paused, or a drain began, by the store's clock; null if it is not paused.</summary>
    public DateTimeOffset? PausedAt { get; init; }

    /// <summary>Whether the pause is a drain (<see cref="IStreamStore.DrainGroupAsync"/>): members release their partitions.</summary>
    public bool IsDraining { get; init; }

    /// <summary>Whether the group is paused (<see cref="IStreamStore.PauseGroupAsync"/>).</summary>
    public bool IsPaused => PausedAt is not null;
}

/// <summary>A member of a group.</summary>
/// <param name="Name">The member's name.</param>
/// <param name="Heartbeats">
/// The number of heartbeats under this name. An observer takes the member for silent if the number does not change for
/// <paramref name="LeaseDuration"/>, measured on the observer's own monotonic clock.
/// </param>
/// <param name="Instance">The instance that sends them.</param>
/// <param name="LeaseDuration">The time for which this member may be silent, from its last heartbeat.</param>
public readonly record struct MemberInfo(string Name, long Heartbeats, string Instance, TimeSpan LeaseDuration);

/// <summary>A snapshot of a partition in a group.</summary>
/// <param name="Partition">The number, from zero.</param>
/// <param name="Epoch">The epoch, raised by every acquisition; zero if it was never acquired.</param>
/// <param name="Owner">The member that acquired it last and has not released it; null if there is none.</param>
/// <param name="Version">The version of the code that wrote it last.</param>
/// <param name="Tail">The sequence of the last entry; zero if there was none.</param>
/// <param name="Dispatched">All entries up to this sequence were leased at least once.</param>
/// <param name="Done">All entries up to this sequence have ended or wait.</param>
/// <param name="Waiting">The number of waiting entries: retrying, parked, suspects. An owner should report a large number.</param>
public readonly record struct PartitionInfo(
    int Partition, long Epoch, string? Owner, int Version, long Tail, long Dispatched, long Done, long Waiting)
{
    /// <summary>The number of entries that waited and are in flight again: retries and redriven dead letters.</summary>
    public long InFlightAgain { get; init; }

    /// <summary>
    /// The number of entries that have been leased and have not ended, at most: an entry that ended before an earlier one may still count.
    /// </summary>
    public long MaxInFlight => Dispatched - Done + InFlightAgain;
}
