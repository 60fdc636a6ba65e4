namespace Sluice.Sqlite;

internal sealed partial class ReadOnlyStore
{
    public override ValueTask<int> RaiseGenerationAsync(int expected, CancellationToken cancellation = default) => throw Refusal;

    public override ValueTask<StreamEnd> EndStreamAsync(string stream, StreamEnd end, CancellationToken cancellation = default)
        => throw Refusal;

    public override ValueTask<bool> DeleteStreamAsync(string stream, CancellationToken cancellation = default) => throw Refusal;

    public override ValueTask<ProducerState> OpenProducerAsync(string stream, string producer, CancellationToken cancellation = default)
        => throw Refusal;

    public override ValueTask AddGroupAsync(GroupId group, StreamStart start = StreamStart.First, CancellationToken cancellation = default)
        => throw Refusal;

    public override ValueTask<bool> RemoveGroupAsync(GroupId group, CancellationToken cancellation = default) => throw Refusal;

    public override ValueTask<HeartbeatResult> HeartbeatAsync(HeartbeatRequest request, CancellationToken cancellation = default)
        => throw Refusal;

    public override ValueTask LeaveAsync(GroupId group, string member, string instance, CancellationToken cancellation = default)
        => throw Refusal;

    public override ValueTask<AcquireResult> AcquireAsync(GroupId group, int partition, AcquireRequest request,
        CancellationToken cancellation = default) => throw Refusal;

    public override ValueTask<bool> ReleaseAsync(Ownership owner, CancellationToken cancellation = default) => throw Refusal;

    public override ValueTask<LeaseResult> LeaseAsync(LeaseRequest request, CancellationToken cancellation = default) => throw Refusal;

    public override ValueTask<ReserveStatus> ReserveAsync(Ownership owner, string stream, long items, long bytes,
        CancellationToken cancellation = default) => throw Refusal;

    public override ValueTask<CommitResult> CommitAsync(StoreCommit commit, CancellationToken cancellation = default) => throw Refusal;

    public override ValueTask<Quarantine?> AcquireQuarantineAsync(GroupId group, string member, long expectedEpoch,
        CancellationToken cancellation = default) => throw Refusal;

    public override ValueTask ReleaseQuarantineAsync(Quarantine quarantine, CancellationToken cancellation = default) => throw Refusal;

    public override ValueTask<ReaderInfo> OpenReaderAsync(string stream, string reader, ReaderOptions? options = null,
        CancellationToken cancellation = default) => throw Refusal;

    public override ValueTask<bool> MoveReaderAsync(CursorCommit move, CancellationToken cancellation = default) => throw Refusal;

    public override ValueTask CloseReaderAsync(string stream, string reader, CancellationToken cancellation = default) => throw Refusal;

    private StreamStoreException Refusal => new(
        $"The store {file.Path} is open for reading only: open it with OpenAsync to change it, or change it through the process that has "
            + $"it open.")
    { IsPermanent = true };
}
