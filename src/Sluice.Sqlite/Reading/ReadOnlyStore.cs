namespace Sluice.Sqlite;

/// <summary>
/// A store in a file that another process may have open for writing. Calls read snapshots that are at most
/// <see cref="SnapshotReader.MaxAge"/> old; calls that would write are refused. Opened for changes, it lets the other process redrive and
/// delete dead letters, and append single entries.
/// </summary>
internal sealed partial class ReadOnlyStore : StreamStore
{
    private readonly StoreFile file;
    private readonly SnapshotReader reader;

    private readonly OwnerClient owner;
    private readonly bool isForChanges;
    private readonly System.Collections.Concurrent.ConcurrentDictionary<string, StreamOptions> toOpen = new(StringComparer.Ordinal);

    public ReadOnlyStore(StoreFile file, Durability durability, bool isForChanges = false)
    {
        (this.file, Durability, this.isForChanges) = (file, durability, isForChanges);
        owner = new(file.Path, file.Time);
        reader = new(file);
        reader.Start();
    }

    public override Durability Durability { get; }

    public override int Generation => reader.Generation;

    public override ValueTask<StreamInfo?> FindStreamAsync(string stream, CancellationToken cancellation = default)
        => CallAsync(session => session.FindStream(stream) is { } found ? StreamCalls.Info(found) : null, cancellation);

    public override ValueTask<IReadOnlyList<string>> ListStreamsAsync(string prefix = "", CancellationToken cancellation = default)
        => CallAsync(session => StreamCalls.List(session, prefix), cancellation);

    // No message reaches this process: it looks for transactions of the owner.
    public override async ValueTask<long> WaitForChangeAsync(string stream, long after, CancellationToken cancellation = default)
    {
        while (true)
        {
            long transaction = await CallAsync(session =>
            {
                session.Stream(stream);
                return session.Transaction;
            }, cancellation).ConfigureAwait(false);
            if (after < 0 || transaction != after) return transaction;
            await Task.Delay(SnapshotReader.MaxAge, file.Time, cancellation).ConfigureAwait(false);
        }
    }

    public override ValueTask<DateTimeOffset> GetTimeAsync(CancellationToken cancellation = default)
        => CallAsync(static session => session.Now, cancellation);

    public override ValueTask<IntegrityReport> CheckAsync(CancellationToken cancellation = default) => new(OwnThread.RunAsync(
        "sluice check", () =>
        {
            try
            {
                using Database database = file.OpenToRead();
                return new IntegrityCheck(database, cancellation).Run();
            }
            catch (SqliteFailure failure)
            {
                throw failure.Explain(file.Path, isLook: true);
            }
        }));

    // Heartbeats are in the memory of the owner, if one answers.
    public override async ValueTask<GroupInfo?> FindGroupAsync(GroupId group, CancellationToken cancellation = default)
    {
        GroupInfo? info = await CallAsync(session => GroupCalls.Find(session, group), cancellation).ConfigureAwait(false);
        if (info is null || await owner.FindMembersAsync(group, cancellation).ConfigureAwait(false) is not { } members) return info;
        return info with { Members = members };
    }

    public override ValueTask<int> RedriveAsync(GroupId group, IReadOnlyList<long> numbers, CancellationToken cancellation = default)
        => isForChanges ? new(owner.ChangeAsync(OwnerMessage.Redrive, group, numbers, cancellation)) : throw Refusal;

    public override ValueTask<int> DeleteDeadAsync(GroupId group, IReadOnlyList<long> numbers, CancellationToken cancellation = default)
        => isForChanges ? new(owner.ChangeAsync(OwnerMessage.Discard, group, numbers, cancellation)) : throw Refusal;

    public override ValueTask PauseGroupAsync(GroupId group, bool isPaused, CancellationToken cancellation = default)
        => isForChanges ? new(owner.PauseAsync(group, isPaused, cancellation)) : throw Refusal;

    public override ValueTask DrainGroupAsync(GroupId group, CancellationToken cancellation = default)
        => isForChanges ? new(owner.DrainAsync(group, cancellation)) : throw Refusal;

    /// <summary>Returns the stream. Opened for changes, a stream that does not exist is opened by the other process, at its first
    /// append.</summary>
    public override async ValueTask<StreamInfo> OpenStreamAsync(string stream, StreamOptions? options = null,
        CancellationToken cancellation = default)
    {
        if (await FindStreamAsync(stream, cancellation).ConfigureAwait(false) is { } found) return found;
        if (!isForChanges || options is null) throw Refusal;
        options.Check();
        toOpen[stream] = options;
        return new(stream, options, null, 0, 0, 0, [], []);
    }

    /// <summary>Lets the other process append one entry of a producer that is used once.</summary>
    public override async ValueTask<AppendResult> AppendAsync(AppendRequest request, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        request.Check();
        if (!isForChanges || request is not { Epoch: 0, Sequence: 1, Position: null, Entries.Count: 1, Batches.Count: 0 }) throw Refusal;
        return new(await owner.AppendAsync(request, toOpen.GetValueOrDefault(request.Stream), cancellation).ConfigureAwait(false), 1, null);
    }

    public override ValueTask<IReadOnlyList<StateRow>> ReadStateAsync(GroupId group, int partition, string node, IReadOnlyList<string> keys,
        CancellationToken cancellation = default)
        => CallAsync(session => StateCalls.Read(session.Partition(group, partition), node, keys), cancellation);

    public override ValueTask<IReadOnlyList<StateNodeInfo>> ListStateNodesAsync(
        GroupId group, int partition, string? after = null, int max = 100, bool counted = false, CancellationToken cancellation = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(max, 1);
        return CallAsync(session => StateCalls.ListNodes(session.Partition(group, partition), after, max, counted), cancellation);
    }

    public override ValueTask<IReadOnlyList<StateRow>> ListStateAsync(
        GroupId group, int partition, string node, string? after = null, int max = 1000, CancellationToken cancellation = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(max, 1);
        return CallAsync(session => StateCalls.List(session.Partition(group, partition), node, after, max), cancellation);
    }

    public override ValueTask<ReadResult> ReadAsync(ReadRequest request, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentOutOfRangeException.ThrowIfLessThan(request.From, 1, nameof(request));
        ArgumentOutOfRangeException.ThrowIfLessThan(request.MaxItems, 1, nameof(request));
        return CallAsync(session => ReaderCalls.Read(session, request with { Reader = null }), cancellation);
    }

    public override ValueTask<IReadOnlyList<WaitingEntry>> ListWaitingAsync(
        GroupId group, int partition, long? after = null, int max = 100, CancellationToken cancellation = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(max, 1);
        return CallAsync(session => LetterCalls.ListWaiting(session.Partition(group, partition), after, max), cancellation);
    }

    public override ValueTask<IReadOnlyList<StoredDeadLetter>> ListDeadAsync(
        GroupId group, string? node = null, long after = 0, int max = 100, CancellationToken cancellation = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(max, 1);
        return CallAsync(session => LetterCalls.ListDead(session.Group(group), node, after, max), cancellation);
    }

    public override ValueTask DisposeAsync() => new(reader.CloseAsync());

    private ValueTask<T> CallAsync<T>(Func<Session, T> call, CancellationToken cancellation) => new(reader.CallAsync(call, cancellation));
}
