namespace Sluice.PostgreSql;

public sealed partial class PostgresStreamStore
{
    /// <inheritdoc/>
    public override ValueTask<ReaderInfo> OpenReaderAsync(string stream, string reader, ReaderOptions? options = null,
        CancellationToken cancellation = default)
    {
        StreamNames.Check(reader);
        options?.Check();
        return CallAsync(2, true, needs => needs.Streams.Add(stream),
            round => ReaderCalls.OpenAsync(round, round.Stream(stream), reader, options ?? new()), cancellation);
    }

    /// <inheritdoc/>
    public override ValueTask<ReadResult> ReadAsync(ReadRequest request, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentOutOfRangeException.ThrowIfLessThan(request.From, 1, nameof(request));
        ArgumentOutOfRangeException.ThrowIfLessThan(request.MaxItems, 1, nameof(request));
        return ReadEntriesAsync(request, cancellation);
    }

    /// <inheritdoc/>
    public override ValueTask<bool> MoveReaderAsync(CursorCommit move, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(move);
        return CallAsync(2, true, needs =>
        {
            needs.Streams.Add(move.Stream);
            needs.Parts.Add((move.Stream, move.Partition));
        }, async round =>
        {
            await ReaderCalls.CheckMoveAsync(round, move).ConfigureAwait(false);
            await ReaderCalls.SweepAsync(round, round.Stream(move.Stream)).ConfigureAwait(false);
            return await ReaderCalls.MoveAsync(round, move).ConfigureAwait(false);
        }, cancellation);
    }

    /// <inheritdoc/>
    public override async ValueTask CloseReaderAsync(string stream, string reader, CancellationToken cancellation = default)
        => await CallAsync(2, true, needs => needs.Streams.Add(stream), async round =>
        {
            if (round.FindStream(stream) is { } found && found.Readers.TryGetValue(reader, out ReaderRow? open))
                await ReaderCalls.CloseAsync(round, found, open).ConfigureAwait(false);
            return true;
        }, cancellation).ConfigureAwait(false);

    private async ValueTask<ReadResult> ReadEntriesAsync(ReadRequest request, CancellationToken cancellation)
    {
        if (disposal.HasBegun) throw DisposedStore.Error(place.Name);
        (ReadResult result, (long Reader, long Now)? used) = await runner.QueryAsync(
            (round, begun) => EntryQuery.ReadAsync(round, request, begun, cancellation), cancellation).ConfigureAwait(false);
        if (used is not { } use) return result;
        // Keeps the reader from expiring. One row, in a transaction of its own, which waits for nothing else.
        await runner.DirectAsync(async connection =>
        {
            await using NpgsqlBatch batch = connection.CreateBatch();
            batch.BatchCommands.Add(new(Sql.Begin));
            batch.BatchCommands.Add(new("SET LOCAL synchronous_commit = off"));
            batch.BatchCommands.Add(sql.Command("UPDATE ~reader SET expires = GREATEST(expires, $2 + idle) WHERE id = $1")
                .With(use.Reader).With(use.Now));
            batch.BatchCommands.Add(new("COMMIT"));
            return await batch.ExecuteNonQueryAsync(cancellation).ConfigureAwait(false);
        }, cancellation).ConfigureAwait(false);
        return result;
    }
}
