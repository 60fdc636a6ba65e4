namespace Sluice.Sqlite;

/// <summary>
/// The blocks in the database. A block has the bytes of several chunks, and is deleted with its last chunk. Chunks that remain of an old
/// block (see <see cref="RecentBlocks"/>) have rows, with ids from the block's id on. If few bytes remain, because one partition lags
/// behind, they move into these rows, and the block is deleted.
/// </summary>
internal sealed class StoredBlocks(Session session)
{
    /// <summary>The divisor for splitting: a block is split once at most one eighth of its bytes remains.</summary>
    public const int SparseBelow = 8;

    private readonly HashSet<long> touched = [];     // blocks that lost a chunk with a row
    private readonly List<(int Index, ChunkPlace Chunk)> left = [];

    public BlockCache Cache { get; } = new();

    /// <summary>Loads the blocks that had no rows when the store was last open.</summary>
    /// <exception cref="StreamStoreException">A list of chunks is damaged, so that the ends of logs are unknown.</exception>
    public void Load(long firstRecent, BlockLink? last)
    {
        var trimmed = new Dictionary<long, long>();
        List<(long Id, List<ChunkPlace>? Chunks)> found = [];
        List<BlockLink> links = [];
        if (last is { } one) links.Add(one);
        Statement blocks = session.Sql("SELECT id, chunks, before FROM sluice_block WHERE id >= ? ORDER BY id").Put(firstRecent);
        while (blocks.Next())
        {
            found.Add((blocks.Long(0), BlockDirectory.Read(blocks.Span(1))));
            if (BlockLink.Read(blocks.Span(2)) is { } before) links.Add(before);
        }
        HashSet<long> present = [.. found.Select(static block => block.Id)];
        foreach (BlockLink link in links)
            if (link.Id >= firstRecent && !present.Contains(link.Id))
                foreach (ChunkPlace chunk in link.Chunks) if (chunk.Last > TrimmedOf(chunk.Log)) session.Recent.Lose(chunk);
        foreach ((long id, List<ChunkPlace>? chunks) in found)
        {
            RecentBlock block = session.Recent.Begin(id);
            block.Chunks.AddRange(chunks ?? throw new StreamStoreException(
                $"The list of what is in the block {id} of the store does not match its checksum, so it is unknown which entries it has. "
                    + $"Nothing was changed. Restore a backup.")
            {
                IsPermanent = true
            });
            session.Recent.Add(block, TrimmedOf);
        }

        long TrimmedOf(long log)
        {
            if (!trimmed.TryGetValue(log, out long upTo)) trimmed.Add(log, upTo = TrimmedIn(session.Database, log));
            return upTo;
        }
    }

    /// <summary>Returns the sequence up to which a log is trimmed. Of a deleted stream, everything is.</summary>
    public static long TrimmedIn(Database database, long log)
    {
        Statement row = database.Sql("SELECT coalesce((SELECT trimmed FROM sluice_log WHERE log = ?), 0) FROM sluice_stream WHERE id = ?")
            .Put(log).Put(log >> 12);
        if (!row.Next()) return long.MaxValue;
        long trimmed = row.Long(0);
        row.Reset();
        return trimmed;
    }

    /// <summary>
    /// Returns a copy of a chunk, because entries are slices of it and would keep the whole block in memory. Null if the block does not
    /// have it, or could not be read.
    /// </summary>
    /// <exception cref="SqliteFailure">The block cannot be read, and the transaction that has begun must be repeated without the
    /// block.</exception>
    public byte[]? Read(long id, long start, long length)
    {
        ReadOnlySpan<byte> block = Cache.Find(id);
        Statement? row = null;
        if (block.IsEmpty)
        {
            if (session.Unreadable.OfBlock(id, session.Now) is not null) return null;
            row = session.Sql("SELECT blob FROM sluice_block WHERE id = ?").Put(id);
            try
            {
                if (!row.Next()) return null;
            }
            catch (SqliteFailure failure) when (failure.IsCorrupt && !session.IsReadOnly)
            {
                session.Unreadable.AddBlock(id, failure, session.Now);
                if (session.IsWriting) throw;
                return null;
            }
            block = row.Span(0);
            if (block.Length is > 0 and <= ChunkWriter.MaxBytes) block.CopyTo(Cache.Add(id, block.Length));
        }
        byte[]? chunk = start >= 0 && length > 0 && start + length <= block.Length ? block.Slice((int)start, (int)length).ToArray() : null;
        row?.Reset();
        return chunk;
    }

    /// <summary>Records that a block has lost a chunk with a row.</summary>
    public void Touch(long id) => touched.Add(id);

    /// <summary>Deletes or splits blocks after chunks were removed; within a transaction.</summary>
    public void Sweep()
    {
        foreach (long id in session.Recent.Emptied) SweepBlock(id, isEmpty: true);
        session.Recent.Emptied.Clear();
        foreach (long id in touched) SweepBlock(id, isEmpty: false);
        touched.Clear();
    }

    private void SweepBlock(long id, bool isEmpty) => Guard(id, isEmpty ? Delete : Look);

    // A damaged block stays: SQLite would read it to delete it. So does a sound one beside a damaged page, which SQLite would change, too.
    private void Guard(long id, Action<long> change)
    {
        if (session.Unreadable.OfBlock(id, session.Now) is not null || session.Unreadable.IsUndeletable(id, session.Now)) return;
        try
        {
            change(id);
        }
        catch (SqliteFailure failure) when (failure.IsCorrupt)
        {
            session.Unreadable.AddUndeletableBlock(id, failure, session.Now);
            throw;
        }
    }

    /// <summary>Gives rows to the chunks of old blocks, many at a time; at the end of a transaction.</summary>
    public void Age()
    {
        if (!session.Recent.AreMany) return;
        while (!session.Recent.AreFew)
        {
            if (session.Recent.TakeOldest(left) is not { } block) continue;
            foreach ((int index, ChunkPlace chunk) in left)
                session.Sql("INSERT INTO sluice_chunk VALUES(?, ?, ?, ?, ?, ?, zeroblob(0), ?, ?, ?)")
                    .Put(block.Id + index).Put(chunk.Log).Put(chunk.First).Put(chunk.Count).Put(chunk.Bytes).Put(chunk.Total)
                    .Put(block.Id).Put(chunk.Start).Put(chunk.Length).Run();
            left.Clear();
            if (block.LiveBytes * SparseBelow <= block.Length) Guard(block.Id, TakeApart);
        }
    }

    // Deletes or splits a block with rows, depending on its remaining chunks.
    private void Look(long id)
    {
        Statement rows = session.Sql("""
            SELECT count(*), coalesce(sum(c.length), 0), length(b.blob)
            FROM sluice_block b JOIN sluice_chunk c ON c.id >= b.id AND c.id < b.id + b.n WHERE b.id = ?
            """).Put(id);
        rows.Next();
        (long count, long bytes, long length) = (rows.Long(0), rows.Long(1), rows.Long(2));
        rows.Reset();
        if (count == 0) Delete(id);
        else if (bytes * SparseBelow <= length) TakeApart(id);
    }

    private void TakeApart(long id)
    {
        List<(long Id, byte[]? Bytes)> chunks = [];
        Statement rows =
            session.Sql(
            "SELECT id, start, length FROM sluice_chunk WHERE id >= ?1 AND id < ?1 + (SELECT n FROM sluice_block WHERE id = ?1)").Put(id);
        while (rows.Next()) chunks.Add((rows.Long(0), Read(id, rows.Long(1), rows.Long(2))));
        if (chunks.Exists(chunk => chunk.Bytes is null)) return; // damaged: left as it is, and reported to the reader
        foreach ((long chunk, byte[]? bytes) in chunks)
            session.Sql("UPDATE sluice_chunk SET blob = ?, block = NULL, start = NULL, length = NULL WHERE id = ?").Put(bytes).Put(chunk)
                .Run();
        Delete(id);
    }

    private void Delete(long id) => session.Sql("DELETE FROM sluice_block WHERE id = ?").Put(id).Run();
}
