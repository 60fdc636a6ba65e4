namespace Sluice;

public partial interface IStreamStore
{
    /// <summary>Makes a consumer group, or finds it. It holds everything from there on until it is removed, whether it has members or not.</summary>
    /// <param name="group">The group.</param>
    /// <param name="start">Where a new group begins.</param>
    /// <param name="cancellation">Gives up waiting.</param>
    ValueTask AddGroupAsync(GroupId group, StreamStart start = StreamStart.First, CancellationToken cancellation = default);

    /// <summary>Removes a group with its state, waiting entries and dead letters. Its owners are stale then. Nothing happens if it is not there.</summary>
    ValueTask RemoveGroupAsync(GroupId group, CancellationToken cancellation = default);

    /// <summary>The group as it is now; null if it is not there.</summary>
    ValueTask<GroupInfo?> FindGroupAsync(GroupId group, CancellationToken cancellation = default);

    /// <summary>
    /// Counts a heartbeat of a member, which joins by its first one. It is refused if another instance has the member's name; what to do then is the caller's:
    /// watch that instance for its lease duration, and replace it if it is silent.
    /// </summary>
    /// <exception cref="ArgumentException">A name or the lease duration is out of its range.</exception>
    ValueTask<HeartbeatResult> HeartbeatAsync(HeartbeatRequest request, CancellationToken cancellation = default);

    /// <summary>
    /// Removes a member: itself, after it has released its partitions, or one that was found silent, after they were taken. Its quarantine ends. Nothing happens if another
    /// instance has the name by now.
    /// </summary>
    /// <param name="group">The group.</param>
    /// <param name="member">The member's name.</param>
    /// <param name="instance">Which instance of it leaves.</param>
    /// <param name="cancellation">Gives up waiting.</param>
    ValueTask LeaveAsync(GroupId group, string member, string instance, CancellationToken cancellation = default);

    /// <summary>
    /// Takes a partition: raises its epoch, which voids every earlier owner at once. What was in flight with an owner that did not
    /// release it becomes suspect, without a charge. A suspect that was running alone is charged with one attempt, unless the same instance takes the partition anew
    /// (<see cref="AcquireRequest.Instance"/>): that process is alive.
    /// </summary>
    ValueTask<AcquireResult> AcquireAsync(GroupId group, int partition, AcquireRequest request, CancellationToken cancellation = default);

    /// <summary>
    /// Gives a partition back (clean shutdown, rebalancing): what is in flight returns to where it was before its lease, uncharged, and reservations end. The epoch stays: the next taking raises it.
    /// </summary>
    /// <returns>Whether the ownership was good; if not, nothing happened.</returns>
    ValueTask<bool> ReleaseAsync(Ownership owner, CancellationToken cancellation = default);

    /// <summary>Leases the next entries: retries that are due, then new ones by sequence. Never waits.</summary>
    ValueTask<LeaseResult> LeaseAsync(LeaseRequest request, CancellationToken cancellation = default);

    /// <summary>Keeps a place in a stream for what will be committed, for outputs that are to wait. Counts for the bound like entries.</summary>
    /// <param name="owner">Who will commit it.</param>
    /// <param name="stream">The stream.</param>
    /// <param name="items">How many entries; at least one.</param>
    /// <param name="bytes">How many bytes; zero or more.</param>
    /// <param name="cancellation">Gives up waiting.</param>
    ValueTask<ReserveStatus> ReserveAsync(Ownership owner, string stream, long items, long bytes, CancellationToken cancellation = default);

    /// <summary>Applies an atomic group wholly, or not at all. Never waits for room.</summary>
    /// <exception cref="StreamStoreException">It is beyond the limits of a commit, names a stream that is not there, or has an attachment that this store cannot write; nothing was applied.</exception>
    /// <exception cref="StoreRolledBackException">The epoch is one that the store never gave, or a cursor is to be moved behind the end of its stream.</exception>
    ValueTask<CommitResult> CommitAsync(StoreCommit commit, CancellationToken cancellation = default);

    /// <summary>Takes the group's quarantine, if its epoch is still the expected one.</summary>
    /// <param name="group">The group.</param>
    /// <param name="member">Who takes it.</param>
    /// <param name="expectedEpoch">As seen in <see cref="GroupInfo"/>: when nobody holds it, or who holds it was found silent.</param>
    /// <param name="cancellation">Gives up waiting.</param>
    /// <returns>The right to run suspects; null if somebody was faster.</returns>
    ValueTask<Quarantine?> AcquireQuarantineAsync(GroupId group, string member, long expectedEpoch, CancellationToken cancellation = default);

    /// <summary>Gives the quarantine back; nothing happens if somebody else has it.</summary>
    ValueTask ReleaseQuarantineAsync(Quarantine quarantine, CancellationToken cancellation = default);

    /// <summary>Rows of a node's state in a partition, by key; keys without a row are left out.</summary>
    ValueTask<IReadOnlyList<StateRow>> ReadStateAsync(
        GroupId group, int partition, string node, IReadOnlyList<string> keys, CancellationToken cancellation = default);

    /// <summary>Pages through the nodes that have rows of state in a partition, in an order of the store's. Names that begin with <c>$</c> are those of the library's own rows.</summary>
    /// <param name="group">The group.</param>
    /// <param name="partition">The partition, from zero.</param>
    /// <param name="after">The last node of the page before; null for the first page.</param>
    /// <param name="max">The most nodes; at least one.</param>
    /// <param name="counted">Whether rows are counted, which may take a store as long as there are many.</param>
    /// <param name="cancellation">Gives up waiting.</param>
    ValueTask<IReadOnlyList<StateNodeInfo>> ListStateNodesAsync(
        GroupId group, int partition, string? after = null, int max = 100, bool counted = false, CancellationToken cancellation = default);

    /// <summary>Pages through the rows of a node's state in a partition, in an order of the store's. Keys of ASCII characters are in ordinal order.</summary>
    /// <param name="group">The group.</param>
    /// <param name="partition">The partition, from zero.</param>
    /// <param name="node">The node.</param>
    /// <param name="after">The last key of the page before; null for the first page.</param>
    /// <param name="max">The most rows; at least one.</param>
    /// <param name="cancellation">Gives up waiting.</param>
    ValueTask<IReadOnlyList<StateRow>> ListStateAsync(
        GroupId group, int partition, string node, string? after = null, int max = 1000, CancellationToken cancellation = default);
}
