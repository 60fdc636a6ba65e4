namespace Sluice.PostgreSql;

/// <summary>
/// Reads entries of a partition in one round trip: the server finds the stream, the marks and the reader of a request by name, and then the
/// blocks.
/// </summary>
internal static class EntryQuery
{
    private const int StreamFrom = 5, PartFrom = 23, RestFrom = 29;

    // All columns of one row, whatever exists; the blocks follow it. Without blocks, it comes alone.
    private static readonly string Text = "WITH h AS MATERIALIZED (SELECT " + RoundLoader.StreamColumns("s") + ", p.stream, p.n, p.tail, "
        + "p.bytes AS p_bytes, p.trimmed, p.swept, m.generation, m.store AS m_store, m.version, "
        + "(extract(epoch FROM clock_timestamp()) * 1000000)::bigint AS clock, pg_is_in_recovery() AS is_copy, r.id AS r_id, r.idle, "
        + "r.expires, " + Trimming.Passed + " AS passed FROM (SELECT) o LEFT JOIN ~meta m ON true LEFT JOIN ~stream s ON s.name = $1 "
        + "LEFT JOIN ~part p ON p.stream = s.id AND p.n = $2 LEFT JOIN ~reader r ON r.stream = s.id AND r.name = $3) "
        + "SELECT b.*, h.* FROM (SELECT *, GREATEST(LEAST($4, h.tail + 1), h.passed + 1) AS first_wanted FROM h) h LEFT JOIN LATERAL ("
        + Entries.BlocksFrom("h.stream", "h.n", "h.swept", "h.first_wanted") + ") b ON true ORDER BY b.first";

    /// <summary>Reads entries; and says which reader must be kept from expiring, if it is time for that.</summary>
    public static async Task<(ReadResult Result, (long Reader, long Now)? Used)> ReadAsync(Round round, ReadRequest request,
        Action<Round> begun, CancellationToken cancellation)
    {
        await using NpgsqlBatch batch = round.Connection.CreateBatch();
        batch.BatchCommands.Add(new(Sql.BeginReading));
        batch.BatchCommands.Add(round.Sql.Command(Text).With(request.Stream).With(request.Partition).With(request.Reader).With(request.From)
            .With((long)request.MaxItems).With(Math.Max(1L, request.MaxBytes)));
        batch.BatchCommands.Add(new("COMMIT"));
        await using NpgsqlDataReader row = await batch.ExecuteReaderAsync(cancellation).ConfigureAwait(false);
        await row.ReadAsync(cancellation).ConfigureAwait(false);             // it has one row at least
        Begin(round, row);
        begun(round);
        StreamRow stream = round.Stream(request.Stream);
        int number = stream.Checked(request.Partition);
        if (row.IsDBNull(PartFrom)) throw Failures.Missing($"the partition {stream.Name}/{number}", stream.Name);
        PartRow part = RowReader.ReadPart(stream, row, PartFrom);
        (long Reader, long Now)? used = row.LongOrNull(RestFrom + 6) is { } idle
            && row.LongOrNull(RestFrom + 7) < round.Now + (idle - (idle / 8)) ? (row.GetInt64(RestFrom + 5), round.Now) : null;
        long passed = row.GetInt64(RestFrom + 8);
        Queue<StoredChunk> chunks = new();
        if (!row.IsDBNull(0))
            do chunks.Enqueue(Entries.ReadBlock(round, part, row));
            while (await row.ReadAsync(cancellation).ConfigureAwait(false));
        await row.NextResultAsync(cancellation).ConfigureAwait(false);
        return (Result(request, stream, part, passed, chunks), used);
    }

    private static void Begin(Round round, NpgsqlDataReader row)
    {
        if (row.IsDBNull(RestFrom)) throw Failures.Emptied(round.Sql.Schema);
        if (row.GetBoolean(RestFrom + 4)) throw Failures.Standby();
        if (!row.IsDBNull(StreamFrom)) round.Add(RowReader.ReadStream(row, StreamFrom));
        round.Begin(row.GetInt32(RestFrom), row.GetString(RestFrom + 1), row.GetInt32(RestFrom + 2), row.GetInt64(RestFrom + 3));
    }

    private static ReadResult Result(ReadRequest request, StreamRow stream, PartRow part, long passed, Queue<StoredChunk> chunks)
    {
        // What was read may end before the bounds of the request: then the result ends there.
        long first = Math.Max(request.From, passed + 1), last = chunks.Count == 0 ? part.Tail : chunks.Max(chunk => chunk.Mark.Last);
        ReadRequest bounded = request with { MaxItems = (int)Math.Min(request.MaxItems, Math.Max(1, last - first + 1)) };
        return bounded.Read(part.Tail, passed, stream.End, sequence =>
        {
            while (chunks.TryPeek(out StoredChunk? before) && before.Mark.Last < sequence) chunks.Dequeue();
            if (!chunks.TryPeek(out StoredChunk? chunk) || chunk.Mark.First > sequence)
                throw Stored.EntryMissing(stream.Name, part.Number, sequence, "it is not in the store, although it should be");
            (Entry entry, string? damage, _) = chunk.Read(sequence);
            return damage is null ? entry
                : throw new StreamStoreException(damage)
                { Stream = stream.Name, Partition = part.Number, Sequence = sequence, IsPermanent = true };
        });
    }
}
