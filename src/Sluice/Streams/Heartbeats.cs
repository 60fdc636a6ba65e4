namespace Sluice;

/// <summary>A sign of life of a member of a group.</summary>
/// <param name="Group">The group.</param>
/// <param name="Member">The member's name, which one process has at a time.</param>
/// <param name="Instance">Which start of that member this is: unique among all processes, 1 to 200 characters.</param>
/// <param name="LeaseDuration">How long the member may be silent before others take its partitions; more than zero. Members may differ in it.</param>
public sealed record HeartbeatRequest(GroupId Group, string Member, string Instance, TimeSpan LeaseDuration)
{
    /// <summary>
    /// The instance to replace, as <see cref="HeartbeatResult.Holder"/> told it: the caller has found it silent. The heartbeat is accepted only if that instance has not beaten
    /// since. Null replaces nobody.
    /// </summary>
    public MemberInfo? Replaces { get; init; }

    /// <summary>Checks what can be checked without a store. Stores call it first.</summary>
    /// <exception cref="ArgumentException">A name or the lease duration is out of its range.</exception>
    public void Check()
    {
        StreamNames.Check(Member);
        StreamNames.Check(Instance);
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(LeaseDuration, TimeSpan.Zero, nameof(LeaseDuration));
    }

    /// <summary>What a store writes for this heartbeat.</summary>
    /// <param name="present">What it has for the member's name; null if nobody.</param>
    /// <returns>The new row; null if the heartbeat is refused, because another instance has the name.</returns>
    public MemberInfo? Apply(MemberInfo? present)
    {
        if (present is not { } holder) return new(Member, 1, Instance, LeaseDuration);
        bool isReplaced = Replaces is { } silent && silent.Instance == holder.Instance && silent.Heartbeats == holder.Heartbeats;
        return holder.Instance == Instance || isReplaced ? new(Member, holder.Heartbeats + 1, Instance, LeaseDuration) : null;
    }
}

/// <summary>The answer to a heartbeat.</summary>
/// <param name="Status">What became of it.</param>
/// <param name="Holder">Who has the name now: the member itself if the heartbeat was accepted.</param>
public readonly record struct HeartbeatResult(HeartbeatStatus Status, MemberInfo Holder);

/// <summary>What became of a heartbeat.</summary>
public enum HeartbeatStatus
{
    /// <summary>It is counted.</summary>
    Accepted,

    /// <summary>Another instance has the name. Nothing was written.</summary>
    Refused,
}
