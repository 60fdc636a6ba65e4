namespace Sluice.Storage;

/// <summary>A request to acquire a partition.</summary>
/// <param name="Member">The member, recorded as the owner for information. Only the epoch decides about ownership.</param>
public sealed record AcquireRequest(string Member)
{
    /// <summary>
    /// The epoch that the partition must still have, as seen in <see cref="GroupInfo"/>: of several members that find an owner silent, one
    /// acquires it. Null acquires it from any owner.
    /// </summary>
    public long? ExpectedEpoch { get; init; }

    internal const long MaxKnownEpoch = 1L << 52;

    /// <summary>
    /// The highest epoch of the partition that the member has seen; zero if it has seen none. The new epoch is above it, also in a store
    /// that was restored from a backup.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is below zero or above 2^52.</exception>
    public long KnownEpoch
    {
        get;
        init
        {
            ArgumentOutOfRangeException.ThrowIfNegative(value);
            ArgumentOutOfRangeException.ThrowIfGreaterThan(value, MaxKnownEpoch);
            field = value;
        }
    }

    /// <summary>
    /// The instance that asks (<see cref="HeartbeatRequest.Instance"/>). If it acquired the partition last, it is alive, no suspect has
    /// killed it, and nothing is charged. Null matches no instance.
    /// </summary>
    public string? Instance { get; init; }

    /// <summary>
    /// The version of the member's code. The owner's first commit writes it to the partition; from then on, members with older code are
    /// refused.
    /// </summary>
    public int Version { get; init; }
}

/// <summary>The outcome of a request for a partition.</summary>
public enum AcquireStatus
{
    /// <summary>The partition is acquired; all earlier owners are void.</summary>
    Taken,

    /// <summary>The partition no longer has the expected epoch: another member was faster.</summary>
    Changed,

    /// <summary>A newer version of the code than the member's has written the partition.</summary>
    Newer,
}

/// <summary>The answer to a request for a partition.</summary>
/// <param name="Status">The outcome.</param>
/// <param name="Ownership">The ownership for leases and commits; default unless acquired.</param>
/// <param name="State">The state that the new owner starts from; null unless acquired.</param>
/// <param name="Version">The version of the code that wrote the partition last.</param>
public sealed record AcquireResult(AcquireStatus Status, Ownership Ownership, PartitionState? State, int Version);

/// <summary>The state of a partition in a group, without the rows of the nodes' state.</summary>
/// <param name="Dispatched">All entries up to this sequence were leased at least once: their first attempt is spent.</param>
/// <param name="Done">All entries up to this sequence have ended or are in <paramref name="Waiting"/>; never above Dispatched.</param>
/// <param name="LastCommit">
/// The sequence of the last applied commit, under any epoch; zero if there is none. The next commit has this plus one.
/// </param>
/// <param name="Waiting">
/// The dispatched entries that left the order and have not ended (suspects, retrying, parked), by sequence, without payloads. At most
/// <see cref="MaxWaiting"/>; at that number, <see cref="IStreamStore.ListWaitingHeadsAsync"/> returns the rest.
/// </param>
/// <param name="FileLengths">The committed lengths of files, in bytes, by name.</param>
public sealed record PartitionState(
    long Dispatched, long Done, long LastCommit, IReadOnlyList<WaitingEntry> Waiting, IReadOnlyDictionary<string, long> FileLengths)
{
    /// <summary>The maximum number of entries in <see cref="Waiting"/>.</summary>
    public const int MaxWaiting = 1000;
}

/// <summary>The reason why a dispatched entry has not ended.</summary>
public enum WaitingStatus
{
    /// <summary>It is leased to the present owner.</summary>
    InFlight,

    /// <summary>It waits for its next attempt.</summary>
    Retrying,

    /// <summary>It waits until a commit defers it with a time: it follows a failed entry of its key, or is for an unknown node.</summary>
    Parked,

    /// <summary>
    /// It was in flight when its partition was acquired from an owner that had not released it. It may have killed that owner.
    /// </summary>
    Suspect,
}

/// <summary>An entry that was dispatched and has not ended.</summary>
/// <param name="Entry">The entry. <see cref="Entry.Attempt"/> is zero.</param>
/// <param name="Status">The reason why it waits.</param>
/// <param name="Attempts">The number of attempts charged to it: failures, and crashes while it ran alone in quarantine.</param>
/// <param name="Due">The time of its next lease, by the store's clock; null unless retrying.</param>
/// <param name="Node">The node where it failed last; empty if it did not fail.</param>
/// <param name="Error">The reason of the failure or of the parking; empty if neither.</param>
public sealed record WaitingEntry(Entry Entry, WaitingStatus Status, int Attempts, DateTimeOffset? Due, string Node, string Error);
