namespace Sluice.Sqlite;

/// <summary>
/// Writes the chunks of a transaction together: in blocks of at most <see cref="MaxBytes"/> bytes, each of which is one row. So an append
/// to 64 partitions writes its pages once, and not again when they are deleted; 64 rows with an index would be written twice.
/// </summary>
internal sealed class ChunkWriter(Session session, long nextId, byte[] last)
{
    /// <summary>The maximum size of a block. A longer chunk has one entry and a block of its own.</summary>
    public const int MaxBytes = ChunkBuilder.MaxBytes;

    private readonly List<StoredLog> logs = [];
    private byte[] directory = [];

    /// <summary>The id of the next block. The chunks of a block have consecutive ids from its own id on.</summary>
    public long NextId { get; private set; } = nextId;

    /// <summary>The link to the last block (<see cref="BlockLink"/>); empty if there is none.</summary>
    public byte[] Last { get; private set; } = last;

    public void Add(StoredLog log) => logs.Add(log);

    /// <summary>Writes all chunks, so that they can be read.</summary>
    public void Write()
    {
        (int from, int bytes) = (0, 0);
        for (int i = 0; i < logs.Count; i++)
        {
            logs[i].IsMaking = false;
            int length = logs[i].Making.Length;
            if (bytes + length > MaxBytes)
            {
                Write(from, i, bytes);
                (from, bytes) = (i, 0);
            }
            bytes += length;
        }
        Write(from, logs.Count, bytes);
        logs.Clear();
    }

    /// <summary>Writes one chunk alone.</summary>
    public void Write(StoredLog log)
    {
        if (log.Making.Count == 0) return;
        RecentBlock block = session.Recent.Begin(NextId);
        ReadOnlySpan<byte> bytes = Finish(log, block);
        if (log.Stream.IsAwaited) session.Chunks.Add(log.Id, new(bytes.ToArray(), log.HeaderOfMaking));
        Insert(block, bytes);
        log.Making.Clear();
    }

    private void Write(int from, int to, int bytes)
    {
        if (bytes == 0) return;
        if (to - from == 1)
        {
            Write(logs[from]);
            return;
        }
        RecentBlock block = session.Recent.Begin(NextId);
        Span<byte> room = session.Blocks.Cache.Add(NextId, bytes);
        for (; from < to; from++)
        {
            if (logs[from].Making.Count == 0) continue;
            Finish(logs[from], block).CopyTo(room[block.Chunks[^1].Start..]);
            logs[from].Making.Clear();
        }
        Insert(block, room);
    }

    private static ReadOnlySpan<byte> Finish(StoredLog log, RecentBlock block)
    {
        ReadOnlySpan<byte> chunk = log.Making.Finish(log.HeaderOfMaking);
        block.Chunks.Add(new(log.Id, log.HeaderOfMaking.First, log.Making.Count, log.Making.Bytes, log.Total, block.Length, chunk.Length));
        return chunk;
    }

    private void Insert(RecentBlock block, ReadOnlySpan<byte> bytes)
    {
        ReadOnlySpan<byte> chunks = BlockDirectory.Write(block.Chunks, ref directory);
        session.Sql("INSERT INTO sluice_block(id, n, chunks, before, blob) VALUES(?, ?, ?, ?, ?)").Put(block.Id).Put(block.Chunks.Count)
            .Put(chunks).Put(Last).Put(bytes).Run();
        session.Unreadable.ForgetBlock(block.Id);
        Last = BlockLink.Write(block.Id, chunks);
        NextId += block.Chunks.Count;
        session.Recent.Add(block);
    }
}
