namespace Sluice.Sqlite;

/// <summary>
/// Blocks: the bytes of several chunks, whose ids follow each other, from that of the block. A block goes when the last of its chunks has gone. Where only few are left for long, since
/// a partition stands still while the others go on, these get their bytes into their own rows, so that they do not keep the bytes of all.
/// </summary>
internal sealed class StoredBlocks(Session session)
{
    /// <summary>How many blocks may be kept by an eighth of their bytes, or by less: in the normal course of things they are gone soon.</summary>
    public const int MostSparse = 32;

    private const int LookedAtOnce = 16;

    private readonly HashSet<long> touched = [];     // a chunk of theirs has gone
    private readonly List<long> sparse = [];         // the oldest first
    private readonly long lastOld = session.Making.NextId - 1;
    private long lookedAt;                           // of the blocks that were there when the session began

    public BlockCache Cache { get; } = new();

    /// <summary>A copy of a chunk: entries are slices of it, and would keep the whole block in memory. Null if the block does not have it.</summary>
    public byte[]? Read(long id, long start, long length)
    {
        ReadOnlySpan<byte> block = Find(id);
        return start >= 0 && length > 0 && start + length <= block.Length ? block.Slice((int)start, (int)length).ToArray() : null;
    }

    /// <summary>A chunk of it has gone.</summary>
    public void Touch(long id) => touched.Add(id);

    /// <summary>Part of a transaction in which chunks were removed.</summary>
    public void Sweep()
    {
        LookAtOld();
        foreach (long id in touched) Look(id);
        touched.Clear();
        while (sparse.Count > MostSparse)
        {
            TakeApart(sparse[0]);
            sparse.RemoveAt(0);
        }
    }

    // What a session that is gone knew to be sparse is found again: some at a time.
    private void LookAtOld()
    {
        if (lookedAt >= lastOld) return;
        Statement old = session.Sql("SELECT id FROM sluice_block WHERE id > ? AND id <= ? ORDER BY id LIMIT ?").Put(lookedAt).Put(lastOld).Put(LookedAtOnce);
        for (lookedAt = lastOld; old.Next(); lookedAt = old.Long(0)) touched.Add(old.Long(0));
    }

    private void Look(long id)
    {
        Statement left = session.Sql("""
            SELECT count(*), coalesce(sum(c.length), 0), length(b.blob) FROM sluice_block b JOIN sluice_chunk c ON c.id >= b.id AND c.id < b.id + b.chunks WHERE b.id = ?
            """).Put(id);
        left.Next();
        (long chunks, bool isSparse) = (left.Long(0), left.Long(1) * 8 <= left.Long(2));
        left.Reset();
        if (chunks == 0)
        {
            session.Sql("DELETE FROM sluice_block WHERE id = ?").Put(id).Run();
            sparse.Remove(id);
        }
        else if (isSparse && !sparse.Contains(id))
        {
            sparse.Add(id);
        }
    }

    private void TakeApart(long id)
    {
        List<(long Id, long Start, long Length)> chunks = [];
        Statement rows = session.Sql("SELECT id, start, length FROM sluice_chunk WHERE id >= ?1 AND id < ?1 + (SELECT chunks FROM sluice_block WHERE id = ?1)").Put(id);
        while (rows.Next()) chunks.Add((rows.Long(0), rows.Long(1), rows.Long(2)));
        foreach ((long chunk, long start, long length) in chunks)
            if (Read(id, start, length) is { } bytes)
                session.Sql("UPDATE sluice_chunk SET blob = ?, block = NULL, start = NULL, length = NULL WHERE id = ?").Put(bytes).Put(chunk).Run();
            else
                return;                              // damaged: whoever reads it is told, nothing more is done to it
        session.Sql("DELETE FROM sluice_block WHERE id = ?").Put(id).Run();
    }

    private ReadOnlySpan<byte> Find(long id)
    {
        if (Cache.Find(id) is { } kept) return kept.Span;
        Statement row = session.Sql("SELECT blob FROM sluice_block WHERE id = ?").Put(id);
        if (!row.Next()) return default;
        ReadOnlySpan<byte> bytes = row.Span(0);
        BlockCache.Block block = Cache.Add(id, bytes.Length);
        bytes.CopyTo(block.Bytes);
        block.Length = bytes.Length;
        row.Reset();
        return block.Span;
    }
}
