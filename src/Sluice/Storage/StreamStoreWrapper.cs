namespace Sluice.Storage;

/// <summary>
/// A store that wraps another one. Every call goes through <see cref="CallAsync"/>, where a test can delay it, count it, or kill something
/// before, during or after it; single calls can be overridden.
/// </summary>
public class StreamStoreWrapper : IStreamStore
{
    private readonly IStreamStore? inner;
    private readonly bool leaveOpen;

    /// <summary>Wraps a store.</summary>
    /// <param name="inner">The inner store.</param>
    /// <param name="leaveOpen">Whether the inner store stays open when this one is disposed.</param>
    public StreamStoreWrapper(IStreamStore inner, bool leaveOpen = false)
    {
        ArgumentNullException.ThrowIfNull(inner);
        (this.inner, this.leaveOpen) = (inner, leaveOpen);
    }

    /// <summary>Wraps the store that <see cref="Inner"/> returns: for a store that is not there yet.</summary>
    protected StreamStoreWrapper() => leaveOpen = true;

    /// <summary>The inner store.</summary>
    protected virtual IStreamStore Inner => inner ?? throw new InvalidOperationException("The wrapper has no store: override Inner.");

    /// <inheritdoc/>
    public virtual IStreamStore Root => Inner.Root;

    /// <inheritdoc/>
    public virtual Durability Durability => Inner.Durability;

    /// <inheritdoc/>
    public virtual StreamStoreCapabilities Capabilities => Inner.Capabilities;

    /// <inheritdoc/>
    public virtual int Generation => Inner.Generation;

    /// <inheritdoc/>
    public virtual string? Loss => Inner.Loss;

    /// <inheritdoc/>
    public virtual Type? TransactionType => Inner.TransactionType;

    /// <summary>Executes a call; by default without any change.</summary>
    /// <param name="name">The name of the method.</param>
    /// <param name="call">Calls the inner store.</param>
    protected virtual ValueTask<T> CallAsync<T>(string name, Func<ValueTask<T>> call)
    {
        ArgumentNullException.ThrowIfNull(call);
        return call();
    }

    /// <inheritdoc/>
    public virtual ValueTask<int> RaiseGenerationAsync(int expected, CancellationToken cancellation = default)
        => CallAsync(nameof(RaiseGenerationAsync), () => Inner.RaiseGenerationAsync(expected, cancellation));

    /// <inheritdoc/>
    public virtual ValueTask<StreamInfo> OpenStreamAsync(string stream, StreamOptions? options = null,
        CancellationToken cancellation = default)
        => CallAsync(nameof(OpenStreamAsync), () => Inner.OpenStreamAsync(stream, options, cancellation));

    /// <inheritdoc/>
    public virtual ValueTask<StreamInfo?> FindStreamAsync(string stream, CancellationToken cancellation = default)
        => CallAsync(nameof(FindStreamAsync), () => Inner.FindStreamAsync(stream, cancellation));

    /// <inheritdoc/>
    public virtual ValueTask<IReadOnlyList<string>> ListStreamsAsync(string prefix = "", CancellationToken cancellation = default)
        => CallAsync(nameof(ListStreamsAsync), () => Inner.ListStreamsAsync(prefix, cancellation));

    /// <inheritdoc/>
    public virtual ValueTask<StreamEnd> EndStreamAsync(string stream, StreamEnd end, CancellationToken cancellation = default)
        => CallAsync(nameof(EndStreamAsync), () => Inner.EndStreamAsync(stream, end, cancellation));

    /// <inheritdoc/>
    public virtual ValueTask<bool> DeleteStreamAsync(string stream, CancellationToken cancellation = default)
        => CallAsync(nameof(DeleteStreamAsync), () => Inner.DeleteStreamAsync(stream, cancellation));

    /// <inheritdoc/>
    public virtual ValueTask<ProducerState> OpenProducerAsync(string stream, string producer, CancellationToken cancellation = default)
        => CallAsync(nameof(OpenProducerAsync), () => Inner.OpenProducerAsync(stream, producer, cancellation));

    /// <inheritdoc/>
    public virtual ValueTask<AppendResult> AppendAsync(AppendRequest request, CancellationToken cancellation = default)
        => CallAsync(nameof(AppendAsync), () => Inner.AppendAsync(request, cancellation));

    /// <inheritdoc/>
    public virtual ValueTask<long> WaitForChangeAsync(string stream, long after, CancellationToken cancellation = default)
        => CallAsync(nameof(WaitForChangeAsync), () => Inner.WaitForChangeAsync(stream, after, cancellation));

    /// <inheritdoc/>
    public virtual ValueTask<long> WaitForEntriesAsync(string stream, IReadOnlyList<int> partitions, long after,
        CancellationToken cancellation = default)
        => CallAsync(nameof(WaitForEntriesAsync), () => Inner.WaitForEntriesAsync(stream, partitions, after, cancellation));

    /// <inheritdoc/>
    public virtual ValueTask<DateTimeOffset> GetTimeAsync(CancellationToken cancellation = default)
        => CallAsync(nameof(GetTimeAsync), () => Inner.GetTimeAsync(cancellation));

    /// <inheritdoc/>
    public virtual ValueTask<IntegrityReport> CheckAsync(CancellationToken cancellation = default)
        => CallAsync(nameof(CheckAsync), () => Inner.CheckAsync(cancellation));

    /// <inheritdoc/>
    public virtual ValueTask AddGroupAsync(GroupId group, StreamStart start = StreamStart.First, CancellationToken cancellation = default)
        => Done(nameof(AddGroupAsync), () => Inner.AddGroupAsync(group, start, cancellation));

    /// <inheritdoc/>
    public virtual ValueTask<bool> RemoveGroupAsync(GroupId group, CancellationToken cancellation = default)
        => CallAsync(nameof(RemoveGroupAsync), () => Inner.RemoveGroupAsync(group, cancellation));

    /// <inheritdoc/>
    public virtual ValueTask<GroupInfo?> FindGroupAsync(GroupId group, CancellationToken cancellation = default)
        => CallAsync(nameof(FindGroupAsync), () => Inner.FindGroupAsync(group, cancellation));

    /// <inheritdoc/>
    public virtual ValueTask PauseGroupAsync(GroupId group, bool isPaused, CancellationToken cancellation = default)
        => Done(nameof(PauseGroupAsync), () => Inner.PauseGroupAsync(group, isPaused, cancellation));

    /// <inheritdoc/>
    public virtual ValueTask DrainGroupAsync(GroupId group, CancellationToken cancellation = default)
        => Done(nameof(DrainGroupAsync), () => Inner.DrainGroupAsync(group, cancellation));

    /// <inheritdoc/>
    public virtual ValueTask<HeartbeatResult> HeartbeatAsync(HeartbeatRequest request, CancellationToken cancellation = default)
        => CallAsync(nameof(HeartbeatAsync), () => Inner.HeartbeatAsync(request, cancellation));

    /// <inheritdoc/>
    public virtual ValueTask LeaveAsync(GroupId group, string member, string instance, CancellationToken cancellation = default)
        => Done(nameof(LeaveAsync), () => Inner.LeaveAsync(group, member, instance, cancellation));

    /// <inheritdoc/>
    public virtual ValueTask<AcquireResult> AcquireAsync(GroupId group, int partition, AcquireRequest request,
        CancellationToken cancellation = default)
        => CallAsync(nameof(AcquireAsync), () => Inner.AcquireAsync(group, partition, request, cancellation));

    /// <inheritdoc/>
    public virtual ValueTask<bool> ReleaseAsync(Ownership owner, CancellationToken cancellation = default)
        => CallAsync(nameof(ReleaseAsync), () => Inner.ReleaseAsync(owner, cancellation));

    /// <inheritdoc/>
    public virtual ValueTask<LeaseResult> LeaseAsync(LeaseRequest request, CancellationToken cancellation = default)
        => CallAsync(nameof(LeaseAsync), () => Inner.LeaseAsync(request, cancellation));

    /// <inheritdoc/>
    public virtual ValueTask<ReserveStatus> ReserveAsync(Ownership owner, string stream, long items, long bytes,
        CancellationToken cancellation = default)
        => CallAsync(nameof(ReserveAsync), () => Inner.ReserveAsync(owner, stream, items, bytes, cancellation));

    /// <inheritdoc/>
    public virtual ValueTask<CommitResult> CommitAsync(StoreCommit commit, CancellationToken cancellation = default)
        => CallAsync(nameof(CommitAsync), () => Inner.CommitAsync(commit, cancellation));

    /// <inheritdoc/>
    public virtual ValueTask<Quarantine?> AcquireQuarantineAsync(GroupId group, string member, long expectedEpoch,
        CancellationToken cancellation = default)
        => CallAsync(nameof(AcquireQuarantineAsync), () => Inner.AcquireQuarantineAsync(group, member, expectedEpoch, cancellation));

    /// <inheritdoc/>
    public virtual ValueTask ReleaseQuarantineAsync(Quarantine quarantine, CancellationToken cancellation = default)
        => Done(nameof(ReleaseQuarantineAsync), () => Inner.ReleaseQuarantineAsync(quarantine, cancellation));

    /// <inheritdoc/>
    public virtual ValueTask<IReadOnlyList<StateRow>> ReadStateAsync(
        GroupId group, int partition, string node, IReadOnlyList<string> keys, CancellationToken cancellation = default)
        => CallAsync(nameof(ReadStateAsync), () => Inner.ReadStateAsync(group, partition, node, keys, cancellation));

    /// <inheritdoc/>
    public virtual ValueTask<IReadOnlyList<StateNodeInfo>> ListStateNodesAsync(
        GroupId group, int partition, string? after = null, int max = 100, bool counted = false, CancellationToken cancellation = default)
        => CallAsync(nameof(ListStateNodesAsync), () => Inner.ListStateNodesAsync(group, partition, after, max, counted, cancellation));

    /// <inheritdoc/>
    public virtual ValueTask<IReadOnlyList<StateRow>> ListStateAsync(
        GroupId group, int partition, string node, string? after = null, int max = 1000, CancellationToken cancellation = default)
        => CallAsync(nameof(ListStateAsync), () => Inner.ListStateAsync(group, partition, node, after, max, cancellation));

    /// <inheritdoc/>
    public virtual ValueTask<IReadOnlyList<WaitingEntry>> ListWaitingAsync(
        GroupId group, int partition, long? after = null, int max = 100, CancellationToken cancellation = default)
        => CallAsync(nameof(ListWaitingAsync), () => Inner.ListWaitingAsync(group, partition, after, max, cancellation));

    /// <inheritdoc/>
    public virtual ValueTask<IReadOnlyList<WaitingEntry>> ListWaitingHeadsAsync(
        GroupId group, int partition, long after, int max = PartitionState.MaxWaiting, CancellationToken cancellation = default)
        => CallAsync(nameof(ListWaitingHeadsAsync), () => Inner.ListWaitingHeadsAsync(group, partition, after, max, cancellation));

    /// <inheritdoc/>
    public virtual ValueTask<IReadOnlyList<StoredDeadLetter>> ListDeadAsync(
        GroupId group, string? node = null, long after = 0, int max = 100, CancellationToken cancellation = default)
        => CallAsync(nameof(ListDeadAsync), () => Inner.ListDeadAsync(group, node, after, max, cancellation));

    /// <inheritdoc/>
    public virtual ValueTask<int> RedriveAsync(GroupId group, IReadOnlyList<long> numbers, CancellationToken cancellation = default)
        => CallAsync(nameof(RedriveAsync), () => Inner.RedriveAsync(group, numbers, cancellation));

    /// <inheritdoc/>
    public virtual ValueTask<int> DeleteDeadAsync(GroupId group, IReadOnlyList<long> numbers, CancellationToken cancellation = default)
        => CallAsync(nameof(DeleteDeadAsync), () => Inner.DeleteDeadAsync(group, numbers, cancellation));

    /// <inheritdoc/>
    public virtual ValueTask<ReaderInfo> OpenReaderAsync(string stream, string reader, ReaderOptions? options = null,
        CancellationToken cancellation = default)
        => CallAsync(nameof(OpenReaderAsync), () => Inner.OpenReaderAsync(stream, reader, options, cancellation));

    /// <inheritdoc/>
    public virtual ValueTask<ReadResult> ReadAsync(ReadRequest request, CancellationToken cancellation = default)
        => CallAsync(nameof(ReadAsync), () => Inner.ReadAsync(request, cancellation));

    /// <inheritdoc/>
    public virtual ValueTask<bool> MoveReaderAsync(CursorCommit move, CancellationToken cancellation = default)
        => CallAsync(nameof(MoveReaderAsync), () => Inner.MoveReaderAsync(move, cancellation));

    /// <inheritdoc/>
    public virtual ValueTask CloseReaderAsync(string stream, string reader, CancellationToken cancellation = default)
        => Done(nameof(CloseReaderAsync), () => Inner.CloseReaderAsync(stream, reader, cancellation));

    /// <inheritdoc/>
    public virtual ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        return leaveOpen ? ValueTask.CompletedTask : Inner.DisposeAsync();
    }

    private async ValueTask Done(string name, Func<ValueTask> call) => await CallAsync(name, async () =>
    {
        await call().ConfigureAwait(false);
        return true;
    }).ConfigureAwait(false);
}
