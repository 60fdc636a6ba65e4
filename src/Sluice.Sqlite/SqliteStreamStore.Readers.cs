namespace Sluice.Sqlite;

public sealed partial class SqliteStreamStore
{
    /// <inheritdoc/>
    public override ValueTask<ReaderInfo> OpenReaderAsync(string stream, string reader, ReaderOptions? options = null,
        CancellationToken cancellation = default)
    {
        StreamNames.Check(reader);
        options?.Check();
        return CallAsync(session => ReaderCalls.Open(session, StreamCalls.Swept(session.Stream(stream)), reader, options ?? new()).Info(),
            cancellation);
    }

    /// <inheritdoc/>
    public override ValueTask<ReadResult> ReadAsync(ReadRequest request, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentOutOfRangeException.ThrowIfLessThan(request.From, 1, nameof(request));
        ArgumentOutOfRangeException.ThrowIfLessThan(request.MaxItems, 1, nameof(request));
        return CallAsync(session => ReaderCalls.Read(session, request), cancellation);
    }

    /// <inheritdoc/>
    public override ValueTask<bool> MoveReaderAsync(CursorCommit move, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(move);
        return CallAsync(session =>
        {
            ReaderCalls.CheckMove(session, move);
            StreamCalls.Swept(session.Stream(move.Stream));
            return ReaderCalls.Move(session, move);
        }, cancellation);
    }

    /// <inheritdoc/>
    public override ValueTask CloseReaderAsync(string stream, string reader, CancellationToken cancellation = default) => DoAsync(session =>
    {
        if (session.FindStream(stream) is { } stored && stored.Readers.TryGetValue(reader, out StoredReader? open)) stored.Close(open);
    }, cancellation);
}
