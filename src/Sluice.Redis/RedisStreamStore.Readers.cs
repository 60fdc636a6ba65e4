namespace Sluice.Redis;

public sealed partial class RedisStreamStore
{
    // An answer may have a megabyte, and heartbeats stand behind it on the connection.
    private const int MaxReads = 32;

    private readonly SemaphoreSlim reads = new(MaxReads);

    /// <inheritdoc/>
    public override async ValueTask<ReaderInfo> OpenReaderAsync(string stream, string reader, ReaderOptions? options = null,
        CancellationToken cancellation = default)
    {
        StreamNames.Check(reader);
        options?.Check();
        return Infos.Reader(await CallAsync("open_reader", new Arguments().Stream(stream).Name(reader).Reader(options ?? new()),
            cancellation).ConfigureAwait(false));
    }

    /// <inheritdoc/>
    public override async ValueTask<ReadResult> ReadAsync(ReadRequest request, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentOutOfRangeException.ThrowIfLessThan(request.From, 1, nameof(request));
        ArgumentOutOfRangeException.ThrowIfLessThan(request.MaxItems, 1, nameof(request));
        cancellation.ThrowIfCancellationRequested();
        if (pushed.TryTake(request, out ReadResult before)) return before;
        Arguments arguments = new Arguments().Stream(request.Stream).Partition(request.Partition).Number(request.From)
            .Number(request.MaxItems).Number(request.MaxBytes)
            .Text(request.Reader is { } reader ? Names.Encode(reader) : "").Flag(false);
        Reply reply = await ReadInTurnAsync(arguments, cancellation).ConfigureAwait(false);
        List<Entry> entries = [];
        try
        {
            foreach (Reply piece in reply[3].Items) Entries.AddPiece(entries, piece, request.Stream, request.Partition, attempt: 0);
        }
        catch (StreamStoreException e) when (entries.Count > 0 && e.IsPermanent)
        {
            // The result ends before the damaged entry.
        }
        (long tail, long trimmed, StreamEnd? end) = (reply[0].Long, reply[1].Long, Infos.ReadEnd(reply[2]));
        if (request.From > tail + 1) return request.Read(tail, trimmed, end, _ => default);    // throws: the store was rolled back
        long begin = Math.Max(request.From, trimmed + 1);
        long next = begin + entries.Count;
        if (next > tail && end is null) pushed.Expect(request.Stream, request.Partition, next);
        return new(entries.ToArray(), next, begin - request.From, next > tail ? end : null);
    }

    private async Task<Reply> ReadInTurnAsync(Arguments arguments, CancellationToken cancellation)
    {
        long begun = TimeProvider.System.GetTimestamp();
        for (TimeSpan left = options.Timeout; !await reads.WaitAsync(left, cancellation).ConfigureAwait(false);)
        {
            // Without a server, each read fails after its own time. It is not sent without a turn: a server that has only paused would
            // answer all reads before the heartbeats behind them.
            left = options.Timeout - TimeProvider.System.GetElapsedTime(begun);
            if (left > TimeSpan.Zero) continue;
            if (connection.IsSilent) throw Failures.Explain(new TimeoutException(), address)!;
            left = options.Silence;
        }
        try
        {
            return await CallAsync("read", arguments, cancellation, since: connection.IsSilent ? begun : null).ConfigureAwait(false);
        }
        finally
        {
            reads.Release();
        }
    }

    /// <inheritdoc/>
    public override async ValueTask<bool> MoveReaderAsync(CursorCommit move, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(move);
        Arguments arguments = new Arguments().Stream(move.Stream).Name(move.Reader).Partition(move.Partition).Number(move.Next);
        return (await CallAsync("move_reader", arguments, cancellation).ConfigureAwait(false)).IsOne;
    }

    /// <inheritdoc/>
    public override async ValueTask CloseReaderAsync(string stream, string reader, CancellationToken cancellation = default)
        => await CallAsync("close_reader", new Arguments().Stream(stream).Name(reader), cancellation).ConfigureAwait(false);
}
