namespace Sluice.Storage;

/// <summary>A heartbeat: the sign of life of a member of a group.</summary>
/// <param name="Group">The group.</param>
/// <param name="Member">The member's name; one process uses it at a time.</param>
/// <param name="Instance">The id of this start of the member: unique among all processes, 1 to 200 characters.</param>
/// <param name="LeaseDuration">
/// The time for which the member may be silent before others acquire its partitions; above zero. Members may have different ones.
/// </param>
public sealed record HeartbeatRequest(GroupId Group, string Member, string Instance, TimeSpan LeaseDuration)
{
    /// <summary>
    /// The silent instance to replace, as <see cref="HeartbeatResult.Holder"/> returned it. The heartbeat is accepted only if that instance
    /// has sent no heartbeat since. Null replaces no instance.
    /// </summary>
    public MemberInfo? Replaces { get; init; }

    /// <summary>Validates everything that needs no store. Stores call it first.</summary>
    /// <exception cref="ArgumentException">A name or the lease duration is out of its range.</exception>
    public void Check()
    {
        StreamNames.Check(Member);
        StreamNames.Check(Instance);
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(LeaseDuration, TimeSpan.Zero, nameof(LeaseDuration));
    }

    /// <summary>Computes the member's row after this heartbeat.</summary>
    /// <param name="present">The present row of the member's name; null if there is none.</param>
    /// <returns>The new row; null if the heartbeat is refused because another instance has the name.</returns>
    public MemberInfo? Apply(MemberInfo? present)
    {
        if (present is not { } holder) return new(Member, 1, Instance, LeaseDuration);
        bool isReplaced = Replaces is { } silent && silent.Instance == holder.Instance && silent.Heartbeats == holder.Heartbeats;
        return holder.Instance == Instance || isReplaced ? new(Member, holder.Heartbeats + 1, Instance, LeaseDuration) : null;
    }
}

/// <summary>The answer to a heartbeat.</summary>
/// <param name="Status">The outcome.</param>
/// <param name="Holder">The instance that holds the name: the caller itself if the heartbeat was accepted.</param>
public readonly record struct HeartbeatResult(HeartbeatStatus Status, MemberInfo Holder);

/// <summary>The outcome of a heartbeat.</summary>
public enum HeartbeatStatus
{
    /// <summary>The heartbeat is recorded.</summary>
    Accepted,

    /// <summary>Another instance has the name. Nothing was written.</summary>
    Refused,
}
