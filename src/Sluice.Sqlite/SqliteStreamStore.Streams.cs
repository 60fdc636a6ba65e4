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
    public override ValueTask<bool> DeleteStreamAsync(string stream, CancellationToken cancellation = default)
        => CallAsync(session => StreamCalls.Delete(session, stream), cancellation);

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
    public override ValueTask<long> WaitForChangeAsync(string stream, long after, CancellationToken cancellation = default)
        => living.Changes.WaitForChangeAsync(stream, after, () => RequireAsync(stream, cancellation), cancellation);

    /// <inheritdoc/>
    public override ValueTask<long> WaitForEntriesAsync(string stream, IReadOnlyList<int> partitions, long after,
        CancellationToken cancellation = default)
        => living.Changes.WaitForEntriesAsync(stream, partitions, after, () => RequireAsync(stream, cancellation), cancellation);

    // Loading a stream makes it known.
    private async ValueTask RequireAsync(string stream, CancellationToken cancellation)
        => await CallAsync(session => session.Stream(stream).Id, cancellation).ConfigureAwait(false);

    /// <inheritdoc/>
    public override ValueTask<DateTimeOffset> GetTimeAsync(CancellationToken cancellation = default)
        => CallAsync(static session => session.Now, cancellation);
}
