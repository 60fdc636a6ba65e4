namespace Sluice;

public sealed partial class MemoryStreamStore
{
    /// <inheritdoc/>
    public override ValueTask<ReaderInfo> OpenReaderAsync(string stream, string reader, ReaderOptions? options = null,
        CancellationToken cancellation = default)
    {
        StreamNames.Check(reader);
        options?.Check();
        return Locked(() =>
        {
            StoredStream stored = Stream(stream);
            DateTimeOffset now = clock.Now;
            stored.Sweep(now);
            return Open(stored, reader, options ?? new(), now).Info();
        }, cancellation);
    }

    /// <inheritdoc/>
    public override ValueTask<ReadResult> ReadAsync(ReadRequest request, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentOutOfRangeException.ThrowIfLessThan(request.From, 1, nameof(request));
        ArgumentOutOfRangeException.ThrowIfLessThan(request.MaxItems, 1, nameof(request));
        return Locked(() =>
        {
            StoredStream stream = Stream(request.Stream);
            PartitionLog log = stream.Logs[Checked(request.Partition, stream)];
            DateTimeOffset now = clock.Now;
            if (request.Reader is { } name && stream.Readers.TryGetValue(name, out StoredReader? reader)) reader.Use(now);
            stream.Sweep(now);
            return request.Read(log.Tail, log.Trimmed, stream.End, log.Read);
        }, cancellation);
    }

    /// <inheritdoc/>
    public override ValueTask<bool> MoveReaderAsync(CursorCommit move, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(move);
        return Locked(() =>
        {
            CheckMove(move);
            DateTimeOffset now = clock.Now;
            Stream(move.Stream).Sweep(now);
            return Move(move, now);
        }, cancellation);
    }

    /// <inheritdoc/>
    public override ValueTask CloseReaderAsync(string stream, string reader, CancellationToken cancellation = default) => Locked(() =>
    {
        if (streams.TryGetValue(stream, out StoredStream? stored) && stored.Readers.TryGetValue(reader, out StoredReader? open))
            stored.Close(open);
    }, cancellation);

    private static StoredReader Open(StoredStream stream, string name, ReaderOptions options, DateTimeOffset now)
    {
        if (!stream.Readers.TryGetValue(name, out StoredReader? reader))
        {
            long[] next = [.. stream.Logs.Select(log => 1 + (options.Start == StreamStart.First ? log.Trimmed : log.Tail))];
            reader = new(name, options, next);
            for (int i = 0; i < next.Length; i++)
                reader.Backlog.Add(stream.Logs[i].Tail - next[i] + 1, stream.Logs[i].BytesOf(next[i], stream.Logs[i].Tail));
            stream.Readers.Add(name, reader);
        }
        reader.Use(now);
        return reader;
    }

    private void CheckMove(CursorCommit move)
    {
        long tail = Stream(move.Stream).Logs[Checked(move.Partition, Stream(move.Stream))].Tail;
        if (move.Next > tail + 1)
            throw new StoreRolledBackException(
                $"The reader {move.Reader} was to be moved to {move.Stream}/{move.Partition}/{move.Next}, but the last entry is {tail}: "
                    + $"the store has lost writes.")
            { Stream = move.Stream, Partition = move.Partition, Sequence = move.Next };
    }

    private bool Move(CursorCommit move, DateTimeOffset now)
    {
        StoredStream stream = Stream(move.Stream);
        if (!stream.Readers.TryGetValue(move.Reader, out StoredReader? reader)) return false;
        reader.Use(now);
        PartitionLog log = stream.Logs[move.Partition];
        long from = reader.Next[move.Partition];
        long to = move.Next;
        if (to <= from) return true;
        reader.Backlog.Add(from - to, -log.BytesOf(from, to - 1));
        reader.Next[move.Partition] = to;
        stream.Trim(move.Partition);
        stream.Changed([]);
        return true;
    }
}
