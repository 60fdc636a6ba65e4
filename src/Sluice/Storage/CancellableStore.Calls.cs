namespace Sluice.Storage;

// The calls without memory of the caller: their arguments need no copy when they are abandoned.
internal sealed partial class CancellableStore
{
    public ValueTask<int> RaiseGenerationAsync(int expected, CancellationToken cancellation)
        => Within(() => inner.RaiseGenerationAsync(expected, cancellation), cancellation);

    public ValueTask<StreamInfo> OpenStreamAsync(string stream, StreamOptions? options, CancellationToken cancellation)
        => Within(() => inner.OpenStreamAsync(stream, options, cancellation), cancellation);

    public ValueTask<StreamInfo?> FindStreamAsync(string stream, CancellationToken cancellation)
        => Within(() => inner.FindStreamAsync(stream, cancellation), cancellation);

    public ValueTask<IReadOnlyList<string>> ListStreamsAsync(string prefix, CancellationToken cancellation)
        => Within(() => inner.ListStreamsAsync(prefix, cancellation), cancellation);

    public ValueTask<StreamEnd> EndStreamAsync(string stream, StreamEnd end, CancellationToken cancellation)
        => Within(() => inner.EndStreamAsync(stream, end, cancellation), cancellation);

    public ValueTask<bool> DeleteStreamAsync(string stream, CancellationToken cancellation)
        => Within(() => inner.DeleteStreamAsync(stream, cancellation), cancellation);

    public ValueTask<ProducerState> OpenProducerAsync(string stream, string producer, CancellationToken cancellation)
        => Within(() => inner.OpenProducerAsync(stream, producer, cancellation), cancellation);

    public ValueTask<long> WaitForChangeAsync(string stream, long after, CancellationToken cancellation)
        => Within(() => inner.WaitForChangeAsync(stream, after, cancellation), cancellation);

    public ValueTask<long> WaitForEntriesAsync(string stream, IReadOnlyList<int> partitions, long after, CancellationToken cancellation)
        => Within(() => inner.WaitForEntriesAsync(stream, partitions, after, cancellation), cancellation);

    public ValueTask<DateTimeOffset> GetTimeAsync(CancellationToken cancellation)
        => Within(() => inner.GetTimeAsync(cancellation), cancellation);

    public ValueTask<IntegrityReport> CheckAsync(CancellationToken cancellation)
        => Within(() => inner.CheckAsync(cancellation), cancellation);

    public ValueTask AddGroupAsync(GroupId group, StreamStart start, CancellationToken cancellation)
        => Within(() => inner.AddGroupAsync(group, start, cancellation), cancellation);

    public ValueTask<bool> RemoveGroupAsync(GroupId group, CancellationToken cancellation)
        => Within(() => inner.RemoveGroupAsync(group, cancellation), cancellation);

    public ValueTask PauseGroupAsync(GroupId group, bool isPaused, CancellationToken cancellation)
        => Within(() => inner.PauseGroupAsync(group, isPaused, cancellation), cancellation);

    public ValueTask DrainGroupAsync(GroupId group, CancellationToken cancellation)
        => Within(() => inner.DrainGroupAsync(group, cancellation), cancellation);

    public ValueTask<GroupInfo?> FindGroupAsync(GroupId group, CancellationToken cancellation)
        => Within(() => inner.FindGroupAsync(group, cancellation), cancellation);

    public ValueTask<HeartbeatResult> HeartbeatAsync(HeartbeatRequest request, CancellationToken cancellation)
        => Within(() => inner.HeartbeatAsync(request, cancellation), cancellation);

    public ValueTask LeaveAsync(GroupId group, string member, string instance, CancellationToken cancellation)
        => Within(() => inner.LeaveAsync(group, member, instance, cancellation), cancellation);

    public ValueTask<AcquireResult> AcquireAsync(GroupId group, int partition, AcquireRequest request, CancellationToken cancellation)
        => Within(() => inner.AcquireAsync(group, partition, request, cancellation), cancellation);

    public ValueTask<bool> ReleaseAsync(Ownership owner, CancellationToken cancellation)
        => Within(() => inner.ReleaseAsync(owner, cancellation), cancellation);

    public ValueTask<LeaseResult> LeaseAsync(LeaseRequest request, CancellationToken cancellation)
        => Within(() => inner.LeaseAsync(request, cancellation), cancellation);

    public ValueTask<ReserveStatus> ReserveAsync(Ownership owner, string stream, long items, long bytes, CancellationToken cancellation)
        => Within(() => inner.ReserveAsync(owner, stream, items, bytes, cancellation), cancellation);

    public ValueTask<Quarantine?> AcquireQuarantineAsync(GroupId group, string member, long expectedEpoch, CancellationToken cancellation)
        => Within(() => inner.AcquireQuarantineAsync(group, member, expectedEpoch, cancellation), cancellation);

    public ValueTask ReleaseQuarantineAsync(Quarantine quarantine, CancellationToken cancellation)
        => Within(() => inner.ReleaseQuarantineAsync(quarantine, cancellation), cancellation);

    public ValueTask<IReadOnlyList<StateRow>> ReadStateAsync(GroupId group, int partition, string node, IReadOnlyList<string> keys,
        CancellationToken cancellation)
        => Within(() => inner.ReadStateAsync(group, partition, node, keys, cancellation), cancellation);

    public ValueTask<IReadOnlyList<StateNodeInfo>> ListStateNodesAsync(GroupId group, int partition, string? after, int max, bool counted,
        CancellationToken cancellation)
        => Within(() => inner.ListStateNodesAsync(group, partition, after, max, counted, cancellation), cancellation);

    public ValueTask<IReadOnlyList<StateRow>> ListStateAsync(GroupId group, int partition, string node, string? after, int max,
        CancellationToken cancellation)
        => Within(() => inner.ListStateAsync(group, partition, node, after, max, cancellation), cancellation);

    public ValueTask<IReadOnlyList<WaitingEntry>> ListWaitingHeadsAsync(GroupId group, int partition, long after, int max,
        CancellationToken cancellation)
        => Within(() => inner.ListWaitingHeadsAsync(group, partition, after, max, cancellation), cancellation);

    public ValueTask<IReadOnlyList<WaitingEntry>> ListWaitingAsync(GroupId group, int partition, long? after, int max,
        CancellationToken cancellation)
        => Within(() => inner.ListWaitingAsync(group, partition, after, max, cancellation), cancellation);

    public ValueTask<IReadOnlyList<StoredDeadLetter>> ListDeadAsync(GroupId group, string? node, long after, int max,
        CancellationToken cancellation)
        => Within(() => inner.ListDeadAsync(group, node, after, max, cancellation), cancellation);

    public ValueTask<int> RedriveAsync(GroupId group, IReadOnlyList<long> numbers, CancellationToken cancellation)
        => Within(() => inner.RedriveAsync(group, numbers, cancellation), cancellation);

    public ValueTask<int> DeleteDeadAsync(GroupId group, IReadOnlyList<long> numbers, CancellationToken cancellation)
        => Within(() => inner.DeleteDeadAsync(group, numbers, cancellation), cancellation);

    public ValueTask<ReaderInfo> OpenReaderAsync(string stream, string reader, ReaderOptions? options, CancellationToken cancellation)
        => Within(() => inner.OpenReaderAsync(stream, reader, options, cancellation), cancellation);

    public ValueTask<ReadResult> ReadAsync(ReadRequest request, CancellationToken cancellation)
        => Within(() => inner.ReadAsync(request, cancellation), cancellation);

    public ValueTask<bool> MoveReaderAsync(CursorCommit move, CancellationToken cancellation)
        => Within(() => inner.MoveReaderAsync(move, cancellation), cancellation);

    public ValueTask CloseReaderAsync(string stream, string reader, CancellationToken cancellation)
        => Within(() => inner.CloseReaderAsync(stream, reader, cancellation), cancellation);
}
