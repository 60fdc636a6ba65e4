namespace Sluice.Sqlite;

/// <summary>
/// The chunks that a transaction makes, written together: their bytes stand one behind the other in a block of at most <see cref="MaxBytes"/>, which is one row. So an append to 64
/// partitions fills pages that are written once, and not again when it is deleted; 64 rows, with an index, were written twice.
/// </summary>
internal sealed class ChunkWriter(Session session, long nextId, byte[] last)
{
    /// <summary>A chunk of one entry may be longer; then it is in a block by itself.</summary>
    public const int MaxBytes = ChunkBuilder.MaxBytes;

    private readonly List<StoredLog> logs = [];
    private byte[] directory = [];

    /// <summary>The id of the next block: the chunks of one have the ids from its own on, so the last one's are left out.</summary>
    public long NextId { get; private set; } = nextId;

    /// <summary>What the last block had (<see cref="BlockLink"/>); empty if there was none.</summary>
    public byte[] Last { get; private set; } = last;

    public void Add(StoredLog log) => logs.Add(log);

    /// <summary>Writes all of them, so that they can be read.</summary>
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

    /// <summary>Writes a chunk by itself.</summary>
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
        session.Sql("INSERT INTO sluice_block(id, n, chunks, before, blob) VALUES(?, ?, ?, ?, ?)").Put(block.Id).Put(block.Chunks.Count).Put(chunks).Put(Last).Put(bytes).Run();
        Last = BlockLink.Write(block.Id, chunks);
        NextId += block.Chunks.Count;
        session.Recent.Add(block);
    }
}
