namespace Sluice.Sqlite;

/// <summary>
/// A partition of a stream: its end, its trimmed part, and the chunk of this transaction. Bytes of a range follow from running totals, so
/// that an append writes only its chunk.
/// </summary>
internal sealed partial class StoredLog(Session session, StoredStream stream, int partition) : Stored
{
    private const int ReadAhead = 16 << 10;          // bytes
    private const int MaxAhead = ChunkCache.Size / 2;                // chunks

    private long trimmedTotal;                       // the bytes of all entries up to Trimmed

    /// <summary>The key of the log in the tables of chunks.</summary>
    public long Id { get; } = (stream.Id << 12) | (uint)partition;

    public StoredStream Stream => stream;
    public int Partition => partition;

    /// <summary>The sequence of the last entry; zero if there was none.</summary>
    public long Tail { get; private set; }

    /// <summary>The bytes of all entries ever appended.</summary>
    public long Total { get; private set; }

    /// <summary>All consumers have passed the entries up to this sequence. The next <see cref="Remove()"/> deletes their chunks.</summary>
    public long Trimmed { get; private set; }

    public long Bytes => Total - trimmedTotal;

    /// <summary>The chunk of this transaction, until <see cref="ChunkWriter"/> writes it.</summary>
    public ChunkBuilder Making { get; } = new();

    public bool IsMaking { get; set; }
    public EntryChunkHeader HeaderOfMaking => new(FirstOfMaking, Making.Count, session.Now, session.Generation);

    private long FirstOfMaking => Tail - Making.Count + 1;

    /// <summary>Determines the end of the log from its last chunk, and from the values that the last trimming stored.</summary>
    public void Load(long tail, long total, long trimmed)
    {
        (Tail, Total, Trimmed) = (tail, total, trimmed);
        LoadEnd();
        if (session.Recent.Lost(Id) is { } lost && lost.Last > Tail) (Tail, Total) = (lost.Last, lost.Total);
        trimmedTotal = SumAt(Trimmed);
    }

    private void LoadEnd()
    {
        if (session.Recent.Last(Id) is { } recent)
        {
            (Tail, Total) = (recent.Last, recent.Total);
            return;
        }
        Statement last = session.Sql("SELECT first, n, total FROM sluice_chunk WHERE log = ? ORDER BY first DESC LIMIT 1").Put(Id);
        if (last.Next())
        {
            if (last.Long(0) + last.Long(1) - 1 is var end && end > Tail) (Tail, Total) = (end, last.Long(2));
            last.Reset();
        }
    }

    /// <summary>Appends validated records of one append.</summary>
    public void Add(ReadOnlySpan<byte> records, int count)
    {
        while (records.Length > Making.Room)
        {
            (int length, int some) = (0, 0);
            for (int next; length < records.Length && (next = EntryChunk.RecordLength(records[length..])) <= Making.Room - length;
                length += next) some++;
            if (some == 0 && Making.Count == 0) (length, some) = (EntryChunk.RecordLength(records), 1);
            if (some > 0) Put(records[..length], some);
            session.Making.Write(this);
            records = records[length..];
            count -= some;
        }
        if (count > 0) Put(records, count);
    }

    /// <summary>Reads a present entry.</summary>
    public Entry Read(long sequence) => ChunkOf(sequence).Read(sequence, stream.Name, partition);

    /// <summary>
    /// Marks entries that all consumers have passed. Chunks of several logs are removed together, because each removal alone would touch
    /// many pages.
    /// </summary>
    public void TrimTo(long sequence)
    {
        if (sequence <= Trimmed) return;
        long sum = SumAt(sequence);
        session.Trims.Add(this, sum - trimmedTotal);
        (Trimmed, trimmedTotal) = (sequence, sum);
    }

    /// <summary>Removes the chunks that all consumers have passed.</summary>
    public void Remove()
    {
        session.Mark(this);
        Remove(Trimmed);
    }

    /// <summary>Removes the chunks that end at or before a sequence; <see cref="StoredBlocks.Sweep"/> must follow.</summary>
    public void Remove(long upTo)
    {
        bool hasRows = session.Recent.HasRows(Id);
        session.Recent.Remove(Id, upTo, Tail);
        if (!hasRows || session.Unreadable.HasUndeletable(Id, session.Now)) return;
        Statement removed = session.Sql("DELETE FROM sluice_chunk WHERE log = ? AND first <= ? AND first + n - 1 <= ? RETURNING block")
            .Put(Id).Put(upTo).Put(upTo);
        try
        {
            while (removed.Next()) if (!removed.IsNull(0)) session.Blocks.Touch(removed.Long(0));
        }
        catch (SqliteFailure failure) when (failure.IsCorrupt)
        {
            session.Unreadable.AddUndeletable(Id, failure, session.Now);
            throw;
        }
    }

    public override void Save(Database database)
        => database.Sql("INSERT OR REPLACE INTO sluice_log VALUES(?, ?, ?, ?, ?)").Put(Id).Put(Tail).Put(Total).Put(Trimmed)
        .Put(SumOf(Id, Tail, Total, Trimmed)).Run();

    /// <summary>Computes the checksum of the row that a trimming writes.</summary>
    public static long SumOf(long log, long tail, long total, long trimmed)
        => new RowSum().Add(log).Add(tail).Add(total).Add(trimmed).Value;

    private void Put(ReadOnlySpan<byte> records, int count)
    {
        if (!IsMaking) session.Making.Add(this);
        IsMaking = true;
        long before = Making.Bytes;
        Making.Add(records, count);
        Tail += count;
        Total += Making.Bytes - before;
    }

    /// <summary>Returns the chunk that contains an entry.</summary>
    /// <exception cref="StreamStoreException">The entry is damaged.</exception>
    /// <exception cref="SqliteFailure">The entry is damaged, and the transaction that has begun must be repeated
    /// (<see cref="UnreadableParts"/>).</exception>
    public StoredChunk ChunkOf(long sequence)
    {
        if (sequence >= FirstOfMaking) session.Making.Write();
        if (session.Chunks.Find(Id, sequence) is { } kept) return kept;
        if (session.Recent.Find(Id, sequence) is (RecentBlock block, { } place) && sequence <= place.Last)
            return Checked(session.Blocks.Read(block.Id, place.Start, place.Length) ?? throw Damaged(sequence, NotInBlock(block.Id)),
                place.First, place.Count, sequence);
        bool isSound = !session.Unreadable.AreAny(session.Now);
        if (!isSound && session.Unreadable.OfChunk(Id, FirstOf(sequence), session.Now) is { } reason) throw Damaged(sequence, reason);
        Statement found = session.Sql("""
            SELECT first, n, blob, block, start, length FROM sluice_chunk
            WHERE log = ?1 AND first >= (SELECT max(first) FROM sluice_chunk WHERE log = ?1 AND first <= ?2) ORDER BY first
            """).Put(Id).Put(sequence);
        if (!TryNext(found, sequence)) throw Missing(sequence);
        (long first, long n) = (found.Long(0), found.Long(1));
        if (BytesOf(found) is not { } blob)
        {
            long id = found.Long(3);
            found.Reset();                           // a statement that reads on would keep the log from being emptied
            throw Damaged(sequence, NotInBlock(id));
        }
        if (isSound) KeepNext(found, ReadAhead - blob.Length);
        found.Reset();
        if (sequence >= first + n) throw Missing(sequence);
        return Checked(blob, first, n, sequence);
    }

    private bool TryNext(Statement chunk, long sequence)
    {
        try
        {
            return chunk.Next();
        }
        catch (SqliteFailure failure) when (failure.IsCorrupt && !session.IsReadOnly)
        {
            session.Unreadable.AddChunk(Id, FirstOf(sequence), failure, session.Now);
            if (session.IsWriting) throw;
            throw Damaged(sequence, $"SQLite says: {failure.Message}");
        }
    }

    // Reads the index only.
    private long FirstOf(long sequence)
    {
        Statement chunk = session.Sql("SELECT max(first) FROM sluice_chunk WHERE log = ? AND first <= ?").Put(Id).Put(sequence);
        long first = chunk.Next() ? chunk.LongOrNull(0) ?? 1 : 1;
        chunk.Reset();
        return first;
    }

    /// <summary>Returns the last entry that is unreadable together with an entry whose chunk is: the one before the next chunk.</summary>
    public long EndOfUnreadable(long sequence)
    {
        if (session.Recent.Find(Id, sequence) is (_, { } place) && sequence <= place.Last) return place.Last;
        if (session.Unreadable.AreAny(session.Now) && session.Unreadable.OfChunk(Id, FirstOf(sequence), session.Now) is not null)
            return BeforeNext(sequence);
        Statement chunk =
            session.Sql(
            "SELECT max(first + n) - 1 FROM sluice_chunk WHERE log = ?1 AND first = (SELECT max(first) FROM sluice_chunk WHERE log = ?1 "
                + "AND first <= ?2)").Put(Id).Put(sequence);
        long? last = chunk.Next() ? chunk.LongOrNull(0) : null;
        chunk.Reset();
        return last >= sequence ? Math.Min(Tail, last.Value) : BeforeNext(sequence);
    }

    // Reads the index only: the row may be what cannot be read.
    private long BeforeNext(long sequence)
    {
        Statement next = session.Sql("SELECT min(first) FROM sluice_chunk WHERE log = ? AND first > ?").Put(Id).Put(sequence);
        long? first = next.Next() ? next.LongOrNull(0) : null;
        next.Reset();
        return Math.Min(Tail, Math.Min(first ?? long.MaxValue, session.Recent.FirstBehind(Id, sequence) ?? long.MaxValue) - 1);
    }

    private StoredChunk Checked(byte[] blob, long first, long n, long sequence)
    {
        EntryChunkHeader header = EntryChunk.ReadHeader(blob, stream.Name, partition);
        if (header.First != first || header.Count != n)
            throw Damaged(sequence, $"its chunk says that it holds {header.Count} entries from {header.First}, the store {n} from {first}");
        var chunk = new StoredChunk(blob, header);
        session.Chunks.Add(Id, chunk);
        return chunk;
    }

    // Small chunks are leased many at a time. A damaged one is reported only when it is requested itself.
    private void KeepNext(Statement chunks, int most)
    {
        try
        {
            for (int some = MaxAhead; most > 0 && some > 0 && chunks.Next(); some--)
            {
                if (BytesOf(chunks) is not { } blob) return;
                EntryChunkHeader header = EntryChunk.ReadHeader(blob, stream.Name, partition);
                if ((header.First, header.Count) != (chunks.Long(0), chunks.Long(1))) return;
                session.Chunks.Add(Id, new(blob, header));
                most -= blob.Length;
            }
        }
        catch (Exception damaged) when (damaged is StreamStoreException || (damaged is SqliteFailure && !session.IsWriting))
        {
            // Damaged chunks are not cached.
        }
        catch (SqliteFailure damaged) when (damaged.IsCorrupt)
        {
            session.Unreadable.AddReadAhead(damaged, session.Now);
            throw;
        }
    }

    private string NotInBlock(long id) => $"the block {id}, which its chunk is in, "
        + (session.Unreadable.OfBlock(id, session.Now) is { } reason ? $"cannot be read ({reason})" : "is not there or too short");

    private byte[]? BytesOf(Statement chunk) => chunk.IsNull(3) ? chunk.Bytes(2)
        : session.Blocks.Read(chunk.Long(3), chunk.Long(4), chunk.Long(5));

    private StreamStoreException Missing(long sequence) => Damaged(sequence, "it is outstanding, but no chunk has it");

    /// <summary>The error of a damaged entry.</summary>
    public StreamStoreException Damaged(long sequence, string how)
        => new($"The entry {stream.Name}/{partition}/{sequence} is damaged: {how}. Restore a backup, or delete what is affected "
        + $"(CheckAsync lists it).")
        { Stream = stream.Name, Partition = partition, Sequence = sequence, IsPermanent = true };
}
