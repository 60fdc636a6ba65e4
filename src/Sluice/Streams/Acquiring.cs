namespace Sluice;

/// <summary>Asks for a partition.</summary>
/// <param name="Member">Who asks; recorded as the owner. Never used to decide anything: that is what the epoch is for.</param>
public sealed record AcquireRequest(string Member)
{
    /// <summary>
    /// Take it only if its epoch is still this one (as seen in <see cref="GroupInfo"/>): of several members that find an owner silent,
    /// one gets it. Null takes it from whoever has it.
    /// </summary>
    public long? ExpectedEpoch { get; init; }

    /// <summary>
    /// Which start of the member asks (<see cref="HeartbeatRequest.Instance"/>). If it is the instance that took the partition last, it is alive and no suspect has killed it: nothing is
    /// charged. Null is nobody's instance.
    /// </summary>
    public string? Instance { get; init; }

    /// <summary>
    /// The version of the member's code. It is written to the partition by the owner's first commit; whoever knows only older versions is refused then.
    /// </summary>
    public int Version { get; init; }
}

/// <summary>What became of a request for a partition.</summary>
public enum AcquireStatus
{
    /// <summary>It is taken: all former owners are void.</summary>
    Taken,

    /// <summary>Its epoch is not the expected one any more: somebody was faster.</summary>
    Changed,

    /// <summary>It was written by a newer version of the code than the member knows.</summary>
    Newer,
}

/// <summary>The answer to a request for a partition.</summary>
/// <param name="Status">What became of it.</param>
/// <param name="Ownership">What leases and commits carry from now on; default unless taken.</param>
/// <param name="State">Everything that the new owner starts from; null unless taken.</param>
/// <param name="Version">The version of the code that wrote the partition last.</param>
public sealed record AcquireResult(AcquireStatus Status, Ownership Ownership, PartitionState? State, int Version);

/// <summary>What a group keeps of a partition, apart from the rows of its nodes' state.</summary>
/// <param name="Dispatched">Everything up to this sequence was leased at least once: its first attempt is spent.</param>
/// <param name="Done">Everything up to this sequence has ended, or is in <paramref name="Waiting"/>; never above Dispatched.</param>
/// <param name="LastCommit">The sequence of the last commit that was applied, under whatever epoch; zero if none was. The next one has this plus one.</param>
/// <param name="Waiting">
/// The entries that were dispatched and have not ended, by sequence: suspects of a crash, retrying, parked. Their payloads are left out. The first <see cref="MaxWaiting"/>: where there are as many, more may follow
/// (<see cref="IStreamStore.ListWaitingHeadsAsync"/>).
/// </param>
/// <param name="FileLengths">The committed lengths of files, in bytes, by name.</param>
public sealed record PartitionState(
    long Dispatched, long Done, long LastCommit, IReadOnlyList<WaitingEntry> Waiting, IReadOnlyDictionary<string, long> FileLengths)
{
    /// <summary>The most entries of <see cref="Waiting"/>.</summary>
    public const int MaxWaiting = 1000;
}

/// <summary>Why an entry that was dispatched has not ended.</summary>
public enum WaitingStatus
{
    /// <summary>It is with the present owner.</summary>
    InFlight,

    /// <summary>It waits for its next attempt.</summary>
    Retrying,

    /// <summary>It is put aside until a commit defers it anew with a time: behind a failed entry of its key, or for a node that nobody knows.</summary>
    Parked,

    /// <summary>It was in flight when its partition was taken from an owner that had not released it: it may have killed that owner.</summary>
    Suspect,
}

/// <summary>An entry that was dispatched and has not ended.</summary>
/// <param name="Entry">The entry. <see cref="Entry.Attempt"/> is zero.</param>
/// <param name="State">Why it waits.</param>
/// <param name="Attempts">How many attempts are charged to it: those that failed, and crashes while it ran alone in quarantine.</param>
/// <param name="Due">When it may be leased again, by the store's clock; null unless retrying.</param>
/// <param name="Node">Where it failed last; empty if it did not.</param>
/// <param name="Error">Why, or why it is parked; empty if neither.</param>
public sealed record WaitingEntry(Entry Entry, WaitingStatus State, int Attempts, DateTimeOffset? Due, string Node, string Error);
