namespace Sluice.Diagnostics;

/// <summary>A look at a stream (<see cref="StoreInspector"/>).</summary>
/// <param name="Info">The stream's state.</param>
/// <param name="Groups">Its consumer groups.</param>
/// <param name="AppendedPerSecond">Appended entries per second since the last look. Null at the first look; also if no time has passed
/// since the last one, or the stream was deleted and made again.</param>
public sealed record StreamLook(StreamInfo Info, IReadOnlyList<GroupBacklogLook> Groups, double? AppendedPerSecond)
{
    /// <summary>The stream's name.</summary>
    public string Name => Info.Name;

    /// <summary>Whether the stream belongs to a consecutor: it has a consumer group of its own name.</summary>
    public bool IsConsecutor => Consecutor is not null;

    /// <summary>The group of the consecutor; null if the stream belongs to none.</summary>
    public GroupBacklogLook? Consecutor => Groups.FirstOrDefault(group => group.Backlog.Name == Name);

    /// <summary>The largest number of entries that one group has not settled; zero without groups.</summary>
    public long Backlog => Groups.Count == 0 ? 0 : Groups.Max(static group => group.Backlog.Outstanding);

    /// <summary>The number of dead letters of all groups.</summary>
    public long Dead => Groups.Sum(static group => group.Backlog.Dead);
}

/// <summary>A look at the backlog of a consumer group (<see cref="StoreInspector"/>).</summary>
/// <param name="Backlog">The group's backlog.</param>
/// <param name="SettledPerSecond">Entries that the group settled per second since the last look; null if the last look tells nothing
/// (<see cref="StreamLook.AppendedPerSecond"/>), or had no such group.</param>
public sealed record GroupBacklogLook(GroupBacklog Backlog, double? SettledPerSecond);

/// <summary>A look at a consumer group (<see cref="StoreInspector.FindGroupAsync"/>).</summary>
/// <param name="Group">The group.</param>
/// <param name="Members">The members, by name.</param>
/// <param name="Partitions">The partitions, by number.</param>
/// <param name="QuarantineOwner">The member that may run suspects; null if there is none.</param>
public sealed record GroupLook(
    GroupId Group, IReadOnlyList<MemberLook> Members, IReadOnlyList<PartitionInfo> Partitions, string? QuarantineOwner)
{
    /// <inheritdoc cref="GroupInfo.PausedAt"/>
    public DateTimeOffset? PausedAt { get; init; }

    /// <inheritdoc cref="GroupInfo.IsDraining"/>
    public bool IsDraining { get; init; }
}

/// <summary>A look at a member of a consumer group (<see cref="StoreInspector.FindGroupAsync"/>).</summary>
/// <param name="Name">The member's name.</param>
/// <param name="Status">Whether it is alive.</param>
/// <param name="Instance">The start of the member; null if the store shows no heartbeats.</param>
/// <param name="LeaseDuration">The time for which it may be silent; null if the store shows no heartbeats.</param>
/// <param name="SilentFor">The time since the inspector saw its heartbeat change, or saw it first.</param>
/// <param name="Partitions">The number of partitions that it owns.</param>
public sealed record MemberLook(
    string Name, MemberStatus Status, string? Instance, TimeSpan? LeaseDuration, TimeSpan SilentFor, int Partitions);

/// <summary>Whether a member of a group is alive.</summary>
public enum MemberStatus
{
    /// <summary>The inspector has not watched it for long enough, or has not looked for long.</summary>
    Unknown,

    /// <summary>Its heartbeats change.</summary>
    Alive,

    /// <summary>Its heartbeats have not changed for its lease duration. Others acquire its partitions. The time between two looks counts
    /// for a third of the lease duration at most: the store may have been away.</summary>
    Silent,

    /// <summary>
    /// It owns partitions, but the store shows no heartbeats of it: it has left, or the store keeps heartbeats in the memory of its process
    /// (SQLite).
    /// </summary>
    NoHeartbeats,
}
