namespace Sluice.Storage;

public partial interface IStreamStore
{
    /// <summary>
    /// Creates a consumer group, or finds it. The store keeps the entries from its start on until the group has settled them, with or
    /// without members.
    /// </summary>
    /// <param name="group">The group.</param>
    /// <param name="start">The position where a new group begins.</param>
    /// <param name="cancellation">Gives up waiting.</param>
    ValueTask AddGroupAsync(GroupId group, StreamStart start = StreamStart.First, CancellationToken cancellation = default);

    /// <summary>
    /// Removes a group with its state, waiting entries and dead letters, and voids its owners, also in a group that is made again under its
    /// name.
    /// </summary>
    /// <returns>Whether it existed. A store that had to repeat the call, because the answer was lost, may return false.</returns>
    ValueTask<bool> RemoveGroupAsync(GroupId group, CancellationToken cancellation = default);

    /// <summary>Returns the present state of a group; null if the group does not exist.</summary>
    ValueTask<GroupInfo?> FindGroupAsync(GroupId group, CancellationToken cancellation = default);

    /// <summary>
    /// Pauses a group, or resumes it. While a group is paused, <see cref="LeaseAsync"/> gives none of its entries, retries and suspects to
    /// any member. Appends, commits, heartbeats and acquisitions go on. The store keeps the pause until the group is resumed or removed. A
    /// change wakes the callers that wait for the stream.
    /// </summary>
    /// <param name="group">The group.</param>
    /// <param name="isPaused">True pauses the group; a paused or draining group stays as it is. False ends a pause and a drain.</param>
    /// <param name="cancellation">Gives up waiting.</param>
    /// <exception cref="StreamStoreException">The stream or the group does not exist, or the store cannot pause groups.</exception>
    ValueTask PauseGroupAsync(GroupId group, bool isPaused, CancellationToken cancellation = default);

    /// <summary>
    /// Drains a group: pauses it from now on, and notes that its members are to release their partitions once nothing of them is in flight
    /// (<see cref="GroupInfo.IsDraining"/>). <see cref="PauseGroupAsync"/> ends the drain. Does nothing if the group is draining.
    /// </summary>
    /// <remarks>The store enforces the pause, and the members release. A member that does not know drains is paused.</remarks>
    /// <param name="group">The group. If it is paused, the pause begins anew.</param>
    /// <param name="cancellation">Gives up waiting.</param>
    /// <exception cref="StreamStoreException">The stream or the group does not exist, or the store cannot drain groups.</exception>
    ValueTask DrainGroupAsync(GroupId group, CancellationToken cancellation = default);

    /// <summary>
    /// Records a heartbeat of a member; the first heartbeat joins the group. It is refused if another instance holds the member's name.
    /// </summary>
    /// <returns>
    /// The outcome and the instance that holds the name. After a refusal, watch it for its lease duration, and replace it if it is silent.
    /// </returns>
    /// <exception cref="ArgumentException">A name or the lease duration is out of its range.</exception>
    ValueTask<HeartbeatResult> HeartbeatAsync(HeartbeatRequest request, CancellationToken cancellation = default);

    /// <summary>
    /// Removes a member and ends its quarantine: the caller itself, after it released its partitions, or a silent member whose partitions
    /// were acquired. Does nothing if another instance has the name by now.
    /// </summary>
    /// <param name="group">The group.</param>
    /// <param name="member">The member's name.</param>
    /// <param name="instance">The instance that leaves.</param>
    /// <param name="cancellation">Gives up waiting.</param>
    ValueTask LeaveAsync(GroupId group, string member, string instance, CancellationToken cancellation = default);

    /// <summary>
    /// Acquires a partition: raises its epoch (<see cref="StoreRules.NextEpoch"/>), which voids every earlier owner at once. Entries in
    /// flight with an owner that did not release the partition become suspects, without a charge. A suspect that was running alone is
    /// charged with one attempt, unless the same instance acquires the partition again (<see cref="AcquireRequest.Instance"/>): its process
    /// is alive.
    /// </summary>
    ValueTask<AcquireResult> AcquireAsync(GroupId group, int partition, AcquireRequest request, CancellationToken cancellation = default);

    /// <summary>
    /// Releases a partition (clean shutdown, rebalancing). Entries in flight return to their state before the lease, uncharged, and
    /// reservations end. The epoch stays; the next acquisition raises it.
    /// </summary>
    /// <returns>False if the ownership was stale; then nothing happened.</returns>
    ValueTask<bool> ReleaseAsync(Ownership owner, CancellationToken cancellation = default);

    /// <summary>
    /// Leases the next entries: first retries that are due, then new entries by sequence. Never waits. A paused group gives none
    /// (<see cref="LeaseResult.PausedAt"/>).
    /// </summary>
    ValueTask<LeaseResult> LeaseAsync(LeaseRequest request, CancellationToken cancellation = default);

    /// <summary>
    /// Reserves room in a stream for outputs of a later commit. A reservation counts against the stream's bounds like entries.
    /// </summary>
    /// <param name="owner">The ownership under which the outputs will be committed.</param>
    /// <param name="stream">The stream.</param>
    /// <param name="items">The number of entries; at least one.</param>
    /// <param name="bytes">Their size in bytes; zero or more.</param>
    /// <param name="cancellation">Gives up waiting.</param>
    ValueTask<ReserveStatus> ReserveAsync(Ownership owner, string stream, long items, long bytes, CancellationToken cancellation = default);

    /// <summary>Applies a commit atomically: all of it, or nothing. Never waits for room.</summary>
    /// <exception cref="PayloadException">An entry of an output is longer than its stream allows; nothing was applied.</exception>
    /// <exception cref="StreamStoreException">
    /// The commit exceeds its limits, names a missing stream, or has an attachment that this store cannot write; nothing was applied.
    /// </exception>
    /// <exception cref="StoreRolledBackException">
    /// The store never gave this epoch, or a cursor would move beyond the end of its stream.
    /// </exception>
    ValueTask<CommitResult> CommitAsync(StoreCommit commit, CancellationToken cancellation = default);

    /// <summary>Acquires the group's quarantine if its epoch is still the expected one.</summary>
    /// <param name="group">The group.</param>
    /// <param name="member">The member that acquires it.</param>
    /// <param name="expectedEpoch">
    /// The epoch in a <see cref="GroupInfo"/> that shows the quarantine free, or held by a member found silent.
    /// </param>
    /// <param name="cancellation">Gives up waiting.</param>
    /// <returns>The right to run suspects; null if another member was faster.</returns>
    ValueTask<Quarantine?> AcquireQuarantineAsync(GroupId group, string member, long expectedEpoch,
        CancellationToken cancellation = default);

    /// <summary>Releases the quarantine. Does nothing if another member holds it.</summary>
    ValueTask ReleaseQuarantineAsync(Quarantine quarantine, CancellationToken cancellation = default);

    /// <summary>Reads rows of a node's state in a partition, by key. Keys without a row are left out.</summary>
    ValueTask<IReadOnlyList<StateRow>> ReadStateAsync(
        GroupId group, int partition, string node, IReadOnlyList<string> keys, CancellationToken cancellation = default);

    /// <summary>
    /// Pages through the nodes with state in a partition, in an order that the store chooses. The library's own nodes have names with the
    /// prefix <c>$</c>.
    /// </summary>
    /// <param name="group">The group.</param>
    /// <param name="partition">The partition, from zero.</param>
    /// <param name="after">The last node of the previous page; null for the first page.</param>
    /// <param name="max">The maximum number of nodes; at least one.</param>
    /// <param name="counted">Whether to count the rows; the time grows with their number.</param>
    /// <param name="cancellation">Gives up waiting.</param>
    ValueTask<IReadOnlyList<StateNodeInfo>> ListStateNodesAsync(
        GroupId group, int partition, string? after = null, int max = 100, bool counted = false, CancellationToken cancellation = default);

    /// <summary>
    /// Pages through the rows of a node's state in a partition, in an order that the store chooses. ASCII keys are in ordinal order.
    /// </summary>
    /// <param name="group">The group.</param>
    /// <param name="partition">The partition, from zero.</param>
    /// <param name="node">The node.</param>
    /// <param name="after">The last key of the previous page; null for the first page.</param>
    /// <param name="max">The maximum number of rows; at least one.</param>
    /// <param name="cancellation">Gives up waiting.</param>
    ValueTask<IReadOnlyList<StateRow>> ListStateAsync(
        GroupId group, int partition, string node, string? after = null, int max = 1000, CancellationToken cancellation = default);
}
