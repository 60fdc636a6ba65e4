namespace Sluice.Sqlite;

public sealed partial class SqliteStreamStore
{
    /// <inheritdoc/>
    public override ValueTask AddGroupAsync(GroupId group, StreamStart start = StreamStart.First, CancellationToken cancellation = default)
    {
        StreamNames.Check(group.Name);
        return DoAsync(session => GroupCalls.Add(session, group, start), cancellation);
    }

    /// <inheritdoc/>
    public override ValueTask<bool> RemoveGroupAsync(GroupId group, CancellationToken cancellation = default)
        => CallAsync(session => GroupCalls.Remove(session, group), cancellation);

    /// <inheritdoc/>
    public override ValueTask<GroupInfo?> FindGroupAsync(GroupId group, CancellationToken cancellation = default)
        => CallAsync(session => GroupCalls.Find(session, group), cancellation);

    /// <inheritdoc/>
    public override ValueTask PauseGroupAsync(GroupId group, bool isPaused, CancellationToken cancellation = default)
        => DoAsync(session => GroupCalls.Pause(session, group, isPaused), cancellation);

    /// <inheritdoc/>
    public override ValueTask DrainGroupAsync(GroupId group, CancellationToken cancellation = default)
        => DoAsync(session => GroupCalls.Drain(session, group), cancellation);

    /// <inheritdoc/>
    public override ValueTask<HeartbeatResult> HeartbeatAsync(HeartbeatRequest request, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        request.Check();
        return CallAsync(session => GroupCalls.Beat(session, request), cancellation);
    }

    /// <inheritdoc/>
    public override ValueTask LeaveAsync(GroupId group, string member, string instance, CancellationToken cancellation = default)
        => DoAsync(session => GroupCalls.Leave(session, group, member, instance), cancellation);

    /// <inheritdoc/>
    /// <remarks>
    /// The store first verifies the rows of the partition against checksums and digest, concurrently with other calls. If they are damaged,
    /// a <see cref="StreamStoreException"/> names the partition, and it is not acquired.
    /// </remarks>
    public override async ValueTask<AcquireResult> AcquireAsync(GroupId group, int partition, AcquireRequest request,
        CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        StreamNames.Check(request.Member);
        if (await looks.FindAsync(group, partition, cancellation).ConfigureAwait(false) is { } damage)
            throw new StreamStoreException($"{damage} Nothing was changed. Restore a backup; CheckAsync lists all damage.")
            {
                Stream =
                group.Stream,
                Partition = partition,
                IsPermanent = true
            };
        return await CallAsync(session => GroupCalls.Take(session, group, partition, request), cancellation).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public override ValueTask<bool> ReleaseAsync(Ownership owner, CancellationToken cancellation = default)
        => CallAsync(session => GroupCalls.Release(session, owner), cancellation);

    /// <inheritdoc/>
    public override ValueTask<LeaseResult> LeaseAsync(LeaseRequest request, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentOutOfRangeException.ThrowIfLessThan(request.MaxItems, 1, nameof(request));
        ArgumentOutOfRangeException.ThrowIfLessThan(request.MaxBatches, 1, nameof(request));
        return CallAsync(session => LeaseCalls.Lease(session, request), cancellation, isLasting: request.Quarantine is not null);
    }

    /// <inheritdoc/>
    public override ValueTask<ReserveStatus> ReserveAsync(Ownership owner, string stream, long items, long bytes,
        CancellationToken cancellation = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(items, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(bytes, 0);
        return CallAsync(session => LeaseCalls.Reserve(session, owner, stream, items, bytes), cancellation);
    }

    /// <inheritdoc/>
    /// <remarks>
    /// The only attachments it supports are <see cref="SqliteWrites"/>. If one of their statements fails, a
    /// <see cref="StreamStoreException"/> names it, and nothing of the commit is applied.
    /// </remarks>
    public override ValueTask<CommitResult> CommitAsync(StoreCommit commit, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(commit);
        commit.Check();
        return CallAsync(session => CommitCalls.Commit(session, commit), cancellation, RequestKind.Commit, commit.MustLast,
            commit.Attachments.OfType<CommitFunctions>().Sum(static functions => functions.Count));
    }

    /// <summary>
    /// Runs statements for the application's own tables in a transaction without a commit: for example, to create the tables.
    /// </summary>
    /// <exception cref="StreamStoreException">A statement failed; none of them took effect.</exception>
    public ValueTask ExecuteAsync(SqliteWrites writes, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(writes);
        return DoAsync(session => AttachmentCalls.Run(session, [writes]), cancellation);
    }

    /// <summary>Prepares a statement of the application without running it.</summary>
    /// <returns>The number of its parameters.</returns>
    /// <exception cref="StreamStoreException">The statement is invalid.</exception>
    internal ValueTask<int> CountPlacesAsync(string sql, CancellationToken cancellation)
        => CallAsync(session => AttachmentCalls.CountPlaces(session, sql), cancellation);

    /// <inheritdoc/>
    public override ValueTask<Quarantine?> AcquireQuarantineAsync(GroupId group, string member, long expectedEpoch,
        CancellationToken cancellation = default)
    {
        StreamNames.Check(member);
        return CallAsync(session => GroupCalls.TakeQuarantine(session, group, member, expectedEpoch), cancellation);
    }

    /// <inheritdoc/>
    public override ValueTask ReleaseQuarantineAsync(Quarantine quarantine, CancellationToken cancellation = default)
        => DoAsync(session => GroupCalls.ReleaseQuarantine(session, quarantine), cancellation);

    /// <inheritdoc/>
    public override ValueTask<IReadOnlyList<StateRow>> ReadStateAsync(
        GroupId group, int partition, string node, IReadOnlyList<string> keys, CancellationToken cancellation = default)
        => CallAsync(session => StateCalls.Read(session.Partition(group, partition), node, keys), cancellation);

    /// <inheritdoc/>
    public override ValueTask<IReadOnlyList<StateNodeInfo>> ListStateNodesAsync(
        GroupId group, int partition, string? after = null, int max = 100, bool counted = false, CancellationToken cancellation = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(max, 1);
        return CallAsync(session => StateCalls.ListNodes(session.Partition(group, partition), after, max, counted), cancellation);
    }

    /// <inheritdoc/>
    public override ValueTask<IReadOnlyList<StateRow>> ListStateAsync(
        GroupId group, int partition, string node, string? after = null, int max = 1000, CancellationToken cancellation = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(max, 1);
        return CallAsync(session => StateCalls.List(session.Partition(group, partition), node, after, max), cancellation);
    }
}
