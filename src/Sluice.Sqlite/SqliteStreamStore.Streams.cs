namespace Sluice.Sqlite;

public sealed partial class SqliteStreamStore
{
    /// <inheritdoc/>
    public override ValueTask<int> RaiseGenerationAsync(int expected, CancellationToken cancellation = default)
        => CallAsync(session => StreamCalls.RaiseGeneration(session, expected), cancellation);

    /// <inheritdoc/>
    public override ValueTask<StreamInfo> OpenStreamAsync(string stream, StreamOptions? options = null,
        CancellationToken cancellation = default)
    {
        StreamNames.Check(stream);
        options ??= new();
        options.Check();
        return CallAsync(session => StreamCalls.Open(session, stream, options), cancellation);
    }

    /// <inheritdoc/>
    public override ValueTask<StreamInfo?> FindStreamAsync(string stream, CancellationToken cancellation = default)
        => CallAsync(session => session.FindStream(stream) is { } found ? StreamCalls.Info(found) : null, cancellation);

    /// <inheritdoc/>
    public override ValueTask<IReadOnlyList<string>> ListStreamsAsync(string prefix = "", CancellationToken cancellation = default)
        => CallAsync(session => StreamCalls.List(session, prefix), cancellation);

    /// <inheritdoc/>
    public override ValueTask<StreamEnd> EndStreamAsync(string stream, StreamEnd end, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(end);
        return CallAsync(session => StreamCalls.End(session, session.Stream(stream), end), cancellation);
    }

    /// <inheritdoc/>
    public override ValueTask DeleteStreamAsync(string stream, CancellationToken cancellation = default)
        => DoAsync(session => StreamCalls.Delete(session, stream), cancellation);

    /// <inheritdoc/>
    public override ValueTask<ProducerState> OpenProducerAsync(string stream, string producer, CancellationToken cancellation = default)
    {
        StreamNames.Check(producer);
        return CallAsync(session => AppendCalls.Open(session, stream, producer), cancellation);
    }

    /// <inheritdoc/>
    public override ValueTask<AppendResult> AppendAsync(AppendRequest request, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        request.Check();
        return CallAsync(session => AppendCalls.Append(session, request), cancellation, RequestKind.Append);
    }

    /// <inheritdoc/>
    public override async ValueTask<long> WaitForChangeAsync(string stream, long after, CancellationToken cancellation = default)
    {
        cancellation.ThrowIfCancellationRequested();
        (long? count, Task? change) = living.Changes.Look(stream, after);
        if (count is null && change is null)
        {
            await CallAsync(session => session.Stream(stream).Id, cancellation).ConfigureAwait(false);
            (count, change) = living.Changes.Look(stream, after);
        }
        if (change is not null)
        {
            await change.WaitAsync(cancellation).ConfigureAwait(false);
            (count, _) = living.Changes.Look(stream, -1);
        }
        return count ?? throw new StreamStoreException($"The stream {stream} was deleted.") { Stream = stream };
    }

    /// <inheritdoc/>
    public override async ValueTask<long> WaitForEntriesAsync(string stream, IReadOnlyList<int> partitions, long after,
        CancellationToken cancellation = default)
    {
        cancellation.ThrowIfCancellationRequested();
        long? count = await living.Changes.WaitForEntriesAsync(stream, partitions, after, cancellation).ConfigureAwait(false);
        if (count is not null) return count.Value;
        // The stream is not known here yet, or was deleted.
        await CallAsync(session => session.Stream(stream).Id, cancellation).ConfigureAwait(false);
        return await living.Changes.WaitForEntriesAsync(stream, partitions, after, cancellation).ConfigureAwait(false)
            ?? throw new StreamStoreException($"The stream {stream} was deleted.") { Stream = stream };
    }

    /// <inheritdoc/>
    public override ValueTask<DateTimeOffset> GetTimeAsync(CancellationToken cancellation = default)
        => CallAsync(static session => session.Now, cancellation);
}
