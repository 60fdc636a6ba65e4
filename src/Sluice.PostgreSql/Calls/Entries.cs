namespace Sluice.PostgreSql;

/// <summary>Finds stored entries, and where they are.</summary>
internal static class Entries
{
    private const long Most = 1L << 60;              // added to a sequence, it is still a number

    private static readonly string FromSequence = BlocksFrom("$1", "$2", "$4", "$3");

    private static readonly string FromPassed = "WITH k AS (SELECT GREATEST($3, " + Trimming.Passed + " + 1) AS first FROM ~part p "
        + "JOIN ~stream s ON s.id = p.stream WHERE p.stream = $1 AND p.n = $2) " + BlocksFrom("$1", "$2", "$4", "(SELECT k.first FROM k)");

    /// <summary>The query of blocks from a sequence on, until they have enough entries or bytes.</summary>
    public static NpgsqlBatchCommand Blocks(Sql sql, PartRow part, long from, long items, long bytes)
        => sql.Command(FromSequence).WithRange(part, from, items, bytes);

    /// <summary>As <see cref="Blocks"/>, but from the first entry on that not all consumers have passed.</summary>
    public static NpgsqlBatchCommand BlocksFromPassed(Sql sql, PartRow part, long from, long items, long bytes)
        => sql.Command(FromPassed).WithRange(part, from, items, bytes);

    public static StoredChunk ReadBlock(Round round, PartRow part, NpgsqlDataReader row)
    {
        ChunkMark mark = new(row.GetInt64(0), row.GetInt64(1), row.GetInt64(2), row.GetInt64(3));
        round.Marks.Add(part.Stream.Id, part.Number, mark);
        return new(mark, row.Bytes(4), part.Stream.Name, part.Number);
    }

    /// <summary>
    /// The bytes of a partition before a sequence; within a block in proportion. Where a block is missing, the bytes before the next one.
    /// </summary>
    public static async ValueTask<long> BytesBeforeAsync(Round round, PartRow part, long sequence)
    {
        if (sequence > part.Tail) return part.Bytes;
        if (sequence > part.StoredTail)
            foreach (NewChunk chunk in part.Chunks)
                if (chunk.Mark.Last >= sequence) return chunk.Mark.BytesBefore(sequence);
        if (round.Marks.Find(part.Stream.Id, part.Number, sequence) is { } known) return known.BytesBefore(sequence);
        ChunkMark? found = null;
        await round.ReadAsync([round.Sql.Command("SELECT c.first, c.last, c.before, c.bytes FROM ~chunk c "
            + $"WHERE {From("$1", "$2", "$4", "$3")} "
            + "ORDER BY c.first LIMIT 1").With(part.Stream.Id).With(part.Number).With(sequence).With(part.Swept)],
            (_, row) => found = new(row.GetInt64(0), row.GetInt64(1), row.GetInt64(2), row.GetInt64(3))).ConfigureAwait(false);
        if (found is not { } mark) return part.Bytes;
        round.Marks.Add(part.Stream.Id, part.Number, mark);
        return mark.First > sequence ? mark.Before : mark.BytesBefore(sequence);
    }

    /// <summary>Reads entries by sequence; entries whose block is missing are left out.</summary>
    public static async Task<Dictionary<long, (Entry Entry, string? Damage, ReadOnlyMemory<byte> Raw)>> ReadAsync(Round round, PartRow part,
        IReadOnlyCollection<long> sequences)
    {
        Dictionary<long, (Entry, string?, ReadOnlyMemory<byte>)> entries = [];
        if (sequences.Count == 0) return entries;
        long[] wanted = [.. sequences.Order()];
        List<StoredChunk> chunks = [];
        await round.ReadAsync([round.Sql.Command("SELECT DISTINCT ON (c.first) c.first, c.last, c.before, c.bytes, c.body "
            + "FROM unnest($3::bigint[]) k(seq) CROSS JOIN LATERAL (SELECT * FROM ~chunk c WHERE c.stream = $1 AND c.part = $2 "
            + "AND c.first <= k.seq AND c.first > $4 ORDER BY c.first DESC LIMIT 1) c WHERE c.last >= k.seq ORDER BY c.first")
            .With(part.Stream.Id).With(part.Number).With(wanted).With(part.Swept)], (_, row) => chunks.Add(ReadBlock(round, part, row)))
            .ConfigureAwait(false);
        foreach (StoredChunk chunk in chunks)
            foreach (long sequence in wanted)
                if (sequence >= chunk.Mark.First && sequence <= chunk.Mark.Last) entries[sequence] = chunk.Read(sequence);
        return entries;
    }

    /// <summary>The stored form of an entry that leaves the order: as it was read, or the rest of a damaged one.</summary>
    public static byte[] BodyOf(long sequence, (Entry Entry, string? Damage, ReadOnlyMemory<byte> Raw)? found, Round round)
        => found is { Damage: null } whole ? Stored.Block(whole.Entry, whole.Entry.Generation)
            : Stored.Block(new(sequence, 1, round.Time, round.Generation), found is { } damaged ? damaged.Raw.Span : default);

    // A block begins before its entry: the last one that begins at or before it, or else the next one. Removed blocks are before the bound,
    // so that no index entry of theirs is passed.
    private static string From(string stream, string part, string swept, string sequence)
        => $"c.stream = {stream} AND c.part = {part} AND c.first >= COALESCE((SELECT d.first FROM ~chunk d WHERE d.stream = {stream} "
            + $"AND d.part = {part} AND d.first <= {sequence} AND d.first > {swept} ORDER BY d.first DESC LIMIT 1), {swept} + 1) "
            + $"AND c.last >= {sequence}";

    /// <summary>The text of a query of blocks; its parameters 5 and 6 are the entries and bytes.</summary>
    public static string BlocksFrom(string stream, string part, string swept, string sequence)
        => "SELECT first, last, before, bytes, body FROM (SELECT *, sum(a.bytes) OVER (ORDER BY a.first) - a.bytes AS sum FROM "
            + $"(SELECT c.first, c.last, c.before, c.bytes, c.body FROM ~chunk c WHERE {From(stream, part, swept, sequence)} "
            + $"AND c.first < {sequence} + $5 ORDER BY c.first LIMIT 2048) a) b WHERE b.sum < $6 ORDER BY first";

    private static NpgsqlBatchCommand WithRange(this NpgsqlBatchCommand command, PartRow part, long from, long items, long bytes)
        => command.With(part.Stream.Id).With(part.Number).With(from).With(part.Swept).With(Math.Min(items, Most)).With(bytes);
}
