namespace Sluice.Storage;

/// <summary>
/// The base class of stream stores. Additions to <see cref="IStreamStore"/> in later versions get a correct, perhaps slow default here, so
/// that your store still compiles and works.
/// </summary>
/// <remarks><see cref="IStreamStore"/> documents each member.</remarks>
public abstract class StreamStore : IStreamStore
{
    /// <inheritdoc/>
    public abstract Durability Durability { get; }

    /// <inheritdoc/>
    /// <remarks>By default none.</remarks>
    public virtual StreamStoreCapabilities Capabilities => StreamStoreCapabilities.None;

    /// <inheritdoc/>
    public abstract int Generation { get; }

    /// <inheritdoc/>
    /// <remarks>By default null.</remarks>
    public virtual string? Loss => null;

    /// <inheritdoc/>
    /// <remarks>By default null.</remarks>
    public virtual Type? TransactionType => null;

    /// <inheritdoc/>
    public abstract ValueTask<int> RaiseGenerationAsync(int expected, CancellationToken cancellation = default);

    /// <inheritdoc/>
    public abstract ValueTask<StreamInfo> OpenStreamAsync(string stream, StreamOptions? options = null,
        CancellationToken cancellation = default);

    /// <inheritdoc/>
    public abstract ValueTask<StreamInfo?> FindStreamAsync(string stream, CancellationToken cancellation = default);

    /// <inheritdoc/>
    public abstract ValueTask<IReadOnlyList<string>> ListStreamsAsync(string prefix = "", CancellationToken cancellation = default);

    /// <inheritdoc/>
    public abstract ValueTask<StreamEnd> EndStreamAsync(string stream, StreamEnd end, CancellationToken cancellation = default);

    /// <inheritdoc/>
    public abstract ValueTask<bool> DeleteStreamAsync(string stream, CancellationToken cancellation = default);

    /// <inheritdoc/>
    public abstract ValueTask<ProducerState> OpenProducerAsync(string stream, string producer, CancellationToken cancellation = default);

    /// <inheritdoc/>
    public abstract ValueTask<AppendResult> AppendAsync(AppendRequest request, CancellationToken cancellation = default);

    /// <inheritdoc/>
    public abstract ValueTask<long> WaitForChangeAsync(string stream, long after, CancellationToken cancellation = default);

    /// <inheritdoc/>
    /// <remarks>The default reports every change, also in other partitions.</remarks>
    public virtual ValueTask<long> WaitForEntriesAsync(string stream, IReadOnlyList<int> partitions, long after,
        CancellationToken cancellation = default)
        => WaitForChangeAsync(stream, after, cancellation);

    /// <inheritdoc/>
    public abstract ValueTask<DateTimeOffset> GetTimeAsync(CancellationToken cancellation = default);

    /// <inheritdoc/>
    public abstract ValueTask<IntegrityReport> CheckAsync(CancellationToken cancellation = default);

    /// <inheritdoc/>
    public abstract ValueTask AddGroupAsync(GroupId group, StreamStart start = StreamStart.First, CancellationToken cancellation = default);

    /// <inheritdoc/>
    public abstract ValueTask<bool> RemoveGroupAsync(GroupId group, CancellationToken cancellation = default);

    /// <inheritdoc/>
    public abstract ValueTask<GroupInfo?> FindGroupAsync(GroupId group, CancellationToken cancellation = default);

    /// <inheritdoc/>
    /// <remarks>The default throws: a store that ignored a pause would be worse.</remarks>
    public virtual ValueTask PauseGroupAsync(GroupId group, bool isPaused, CancellationToken cancellation = default)
        => throw new StreamStoreException($"The store {GetType().Name} cannot pause or resume {group}. Stop its members instead.")
        { Stream = group.Stream, IsPermanent = true };

    /// <inheritdoc/>
    /// <remarks>The default throws.</remarks>
    public virtual ValueTask DrainGroupAsync(GroupId group, CancellationToken cancellation = default)
        => throw new StreamStoreException($"The store {GetType().Name} cannot drain {group}. Pause it, or stop its members instead.")
        { Stream = group.Stream, IsPermanent = true };

    /// <inheritdoc/>
    public abstract ValueTask<HeartbeatResult> HeartbeatAsync(HeartbeatRequest request, CancellationToken cancellation = default);

    /// <inheritdoc/>
    public abstract ValueTask LeaveAsync(GroupId group, string member, string instance, CancellationToken cancellation = default);

    /// <inheritdoc/>
    public abstract ValueTask<AcquireResult> AcquireAsync(GroupId group, int partition, AcquireRequest request,
        CancellationToken cancellation = default);

    /// <inheritdoc/>
    public abstract ValueTask<bool> ReleaseAsync(Ownership owner, CancellationToken cancellation = default);

    /// <inheritdoc/>
    public abstract ValueTask<LeaseResult> LeaseAsync(LeaseRequest request, CancellationToken cancellation = default);

    /// <inheritdoc/>
    public abstract ValueTask<ReserveStatus> ReserveAsync(Ownership owner, string stream, long items, long bytes,
        CancellationToken cancellation = default);

    /// <inheritdoc/>
    public abstract ValueTask<CommitResult> CommitAsync(StoreCommit commit, CancellationToken cancellation = default);

    /// <inheritdoc/>
    public abstract ValueTask<Quarantine?> AcquireQuarantineAsync(GroupId group, string member, long expectedEpoch,
        CancellationToken cancellation = default);

    /// <inheritdoc/>
    public abstract ValueTask ReleaseQuarantineAsync(Quarantine quarantine, CancellationToken cancellation = default);

    /// <inheritdoc/>
    public abstract ValueTask<IReadOnlyList<StateRow>> ReadStateAsync(GroupId group, int partition, string node, IReadOnlyList<string> keys,
        CancellationToken cancellation = default);

    /// <inheritdoc/>
    public abstract ValueTask<IReadOnlyList<StateNodeInfo>> ListStateNodesAsync(
        GroupId group, int partition, string? after = null, int max = 100, bool counted = false, CancellationToken cancellation = default);

    /// <inheritdoc/>
    public abstract ValueTask<IReadOnlyList<StateRow>> ListStateAsync(GroupId group, int partition, string node, string? after = null,
        int max = 1000, CancellationToken cancellation = default);

    /// <inheritdoc/>
    public abstract ValueTask<ReaderInfo> OpenReaderAsync(string stream, string reader, ReaderOptions? options = null,
        CancellationToken cancellation = default);

    /// <inheritdoc/>
    public abstract ValueTask<ReadResult> ReadAsync(ReadRequest request, CancellationToken cancellation = default);

    /// <inheritdoc/>
    public abstract ValueTask<bool> MoveReaderAsync(CursorCommit move, CancellationToken cancellation = default);

    /// <inheritdoc/>
    public abstract ValueTask CloseReaderAsync(string stream, string reader, CancellationToken cancellation = default);

    /// <inheritdoc/>
    public abstract ValueTask<IReadOnlyList<WaitingEntry>> ListWaitingAsync(GroupId group, int partition, long? after = null, int max = 100,
        CancellationToken cancellation = default);

    /// <inheritdoc/>
    /// <remarks>The default reads the payloads and drops them.</remarks>
    public virtual async ValueTask<IReadOnlyList<WaitingEntry>> ListWaitingHeadsAsync(
        GroupId group, int partition, long after, int max = PartitionState.MaxWaiting, CancellationToken cancellation = default)
        => [.. (await ListWaitingAsync(group, partition, after, max, cancellation)
        .ConfigureAwait(false)).Select(static entry => entry with { Entry = entry.Entry with { Payload = default } })];

    /// <inheritdoc/>
    public abstract ValueTask<IReadOnlyList<StoredDeadLetter>> ListDeadAsync(GroupId group, string? node = null, long after = 0,
        int max = 100, CancellationToken cancellation = default);

    /// <inheritdoc/>
    public abstract ValueTask<int> RedriveAsync(GroupId group, IReadOnlyList<long> numbers, CancellationToken cancellation = default);

    /// <inheritdoc/>
    public abstract ValueTask<int> DeleteDeadAsync(GroupId group, IReadOnlyList<long> numbers, CancellationToken cancellation = default);

    /// <inheritdoc/>
    public abstract ValueTask DisposeAsync();
}
