namespace Sluice.Sqlite;

/// <summary>
/// The chunks that a transaction makes, written together: their bytes stand one behind the other in a block of at most <see cref="MostBytes"/>, on pages of its own, and the rows of the
/// chunks say where. Otherwise an append to 64 partitions would fill pages with 64 small blobs, that have to be written once more when these are deleted.
/// </summary>
internal sealed class ChunkWriter(Session session)
{
    /// <summary>A chunk of one entry may be longer; then it is by itself.</summary>
    public const int MostBytes = ChunkBuilder.MaxBytes;

    // Less fits on the page of the rows: a block would be one page more.
    private const int LeastBytes = 4 << 10;

    private readonly List<StoredLog> logs = [];
    private long nextId = LoadNext(session);

    /// <summary>The id of the next chunk: above all that are there, and above those that a block was made for.</summary>
    public long NextId => nextId;

    public void Add(StoredLog log) => logs.Add(log);

    /// <summary>Writes all of them, so that they can be read.</summary>
    public void Write()
    {
        (int from, int bytes) = (0, 0);
        for (int i = 0; i < logs.Count; i++)
        {
            logs[i].IsMaking = false;
            int length = logs[i].Making.Length;
            if (bytes + length > MostBytes)
            {
                Write(from, i, bytes);
                (from, bytes) = (i, 0);
            }
            bytes += length;
        }
        Write(from, logs.Count, bytes);
        logs.Clear();
    }

    /// <summary>Writes a chunk by itself.</summary>
    public void Write(StoredLog log)
    {
        if (log.Making.Count == 0) return;
        EntryChunkHeader header = log.HeaderOfMaking;
        ReadOnlySpan<byte> chunk = log.Making.Finish(header);
        session.Sql("INSERT INTO sluice_chunk VALUES(?, ?, ?, ?, ?, ?, ?, NULL, NULL, NULL)")
            .Put(nextId++).Put(log.Id).Put(header.First).Put(header.Count).Put(log.Making.Bytes).Put(log.Total).Put(chunk).Run();
        if (log.Stream.IsAwaited) session.Chunks.Add(log.Id, new(chunk.ToArray(), header));
        log.Making.Clear();
    }

    private void Write(int from, int to, int bytes)
    {
        if (to - from < 2 || bytes < LeastBytes)
        {
            for (; from < to; from++) Write(logs[from]);
            return;
        }
        (long id, int start) = (nextId, 0);
        BlockCache.Block block = session.Blocks.Cache.Add(id, bytes);
        for (; from < to; from++)
        {
            StoredLog log = logs[from];
            if (log.Making.Count == 0) continue;
            EntryChunkHeader header = log.HeaderOfMaking;
            ReadOnlySpan<byte> chunk = log.Making.Finish(header);
            chunk.CopyTo(block.Bytes.AsSpan(start));
            if (log.Stream.IsAwaited) session.Blocks.Cache.Know(log.Id, header.First, block, start, chunk.Length);
            session.Sql("INSERT INTO sluice_chunk VALUES(?, ?, ?, ?, ?, ?, zeroblob(0), ?, ?, ?)")
                .Put(nextId++).Put(log.Id).Put(header.First).Put(header.Count).Put(log.Making.Bytes).Put(log.Total).Put(id).Put(start).Put(chunk.Length).Run();
            start += chunk.Length;
            log.Making.Clear();
        }
        block.Length = start;
        session.Sql("INSERT INTO sluice_block VALUES(?, ?, ?)").Put(id).Put(nextId - id).Put(block.Span).Run();
    }

    private static long LoadNext(Session session)
    {
        Statement last = session.Sql("""
            SELECT max(coalesce((SELECT max(id) + 1 FROM sluice_chunk), 1), coalesce((SELECT id + chunks FROM sluice_block ORDER BY id DESC LIMIT 1), 1))
            """);
        last.Next();
        long next = last.Long(0);
        last.Reset();
        return next;
    }
}
