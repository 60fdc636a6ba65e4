namespace Sluice.Sqlite;

/// <summary>
/// The blocks written last, and their chunks. Mostly a chunk is leased, settled and removed while it is recent: then the database has it
/// only in the directory of its block, and in no index. Old blocks get rows for their remaining chunks (<see cref="StoredBlocks"/>).
/// </summary>
internal sealed class RecentBlocks(int most)
{
    private const int MaxChunks = 16 << 10;

    private readonly Queue<RecentBlock> blocks = [];
    private readonly Dictionary<long, LogChunks> logs = [];
    private readonly Stack<RecentBlock> unused = [];
    private readonly Dictionary<long, ChunkPlace> lost = [];
    private int live;                                // the number of remaining chunks

    /// <summary>The ids of blocks without remaining chunks. The caller that deletes them clears the list.</summary>
    public List<long> Emptied { get; } = [];

    /// <summary>Whether there are more blocks or chunks than are kept, so that some should get rows.</summary>
    public bool AreMany => blocks.Count > most || live > MaxChunks;

    /// <summary>Whether enough blocks have got rows: they get them many at a time.</summary>
    public bool AreFew => blocks.Count <= most / 2 && live <= MaxChunks / 2;

    /// <summary>The id of the oldest block; all blocks before it have rows.</summary>
    public long? FirstId => blocks.TryPeek(out RecentBlock? oldest) ? oldest.Id : null;

    /// <summary>Returns a block to fill and then add.</summary>
    public RecentBlock Begin(long id)
    {
        RecentBlock block = unused.TryPop(out RecentBlock? used) ? used : new();
        block.Begin(id);
        return block;
    }

    /// <param name="block">A written block with the highest id.</param>
    /// <param name="trimmed">Returns the sequence up to which a log is trimmed; null if nothing is trimmed.</param>
    public void Add(RecentBlock block, Func<long, long>? trimmed = null)
    {
        for (int i = 0; i < block.Chunks.Count; i++)
        {
            ChunkPlace chunk = block.Chunks[i];
            if (trimmed is not null && chunk.Last <= trimmed(chunk.Log)) continue;
            Of(chunk.Log).Chunks.Add((block, i));
            block.Live++;
            block.LiveBytes += chunk.Length;
            live++;
        }
        if (block.Live == 0) unused.Push(block);
        else blocks.Enqueue(block);
    }

    /// <summary>Returns the last chunk of a log that begins at or before a sequence; null if there is none.</summary>
    public (RecentBlock Block, ChunkPlace Chunk)? Find(long log, long sequence)
    {
        if (!logs.TryGetValue(log, out LogChunks? chunks)) return null;
        int low = 0, high = chunks.Chunks.Count;
        while (low < high)
        {
            int middle = (low + high) / 2;
            if (chunks.At(middle).First <= sequence) low = middle + 1;
            else high = middle;
        }
        return low == 0 ? null : (chunks.Chunks[low - 1].Block, chunks.At(low - 1));
    }

    /// <summary>Returns the start of the first chunk that begins after a sequence; null if there is none.</summary>
    public long? FirstBehind(long log, long sequence)
    {
        if (!logs.TryGetValue(log, out LogChunks? chunks)) return null;
        for (int i = 0; i < chunks.Chunks.Count; i++) if (chunks.At(i).First > sequence) return chunks.At(i).First;
        return null;
    }

    /// <summary>Records a chunk that is missing with its block, for the end of its log.</summary>
    public void Lose(ChunkPlace chunk)
    {
        if (!lost.TryGetValue(chunk.Log, out ChunkPlace known) || known.Last < chunk.Last) lost[chunk.Log] = chunk;
    }

    /// <summary>Returns the last missing chunk of a log; null if there is none.</summary>
    public ChunkPlace? Lost(long log) => lost.TryGetValue(log, out ChunkPlace chunk) ? chunk : null;

    public ChunkPlace? First(long log) => logs.TryGetValue(log, out LogChunks? chunks) && chunks.Chunks.Count > 0 ? chunks.At(0) : null;
    public ChunkPlace? Last(long log) => logs.TryGetValue(log, out LogChunks? chunks) && chunks.Chunks.Count > 0
        ? chunks.At(chunks.Chunks.Count - 1) : null;

    /// <summary>Whether a log may have chunks with rows, which precede all recent ones.</summary>
    public bool HasRows(long log) => !logs.TryGetValue(log, out LogChunks? chunks) || chunks.HasRows;

    /// <summary>Removes the chunks of a log that end at or before a sequence. The caller deletes chunks with rows.</summary>
    public void Remove(long log, long upTo, long tail)
    {
        LogChunks chunks = Of(log);
        int gone = 0;
        for (; gone < chunks.Chunks.Count && chunks.At(gone).Last <= upTo; gone++) Take(chunks.Chunks[gone].Block, chunks.At(gone).Length);
        chunks.Chunks.RemoveRange(0, gone);
        chunks.HasRows &= (First(log)?.First - 1 ?? tail) > upTo;
    }

    /// <summary>Removes the oldest block and returns it with its remaining chunks and their indexes; null if none remain.</summary>
    public RecentBlock? TakeOldest(List<(int Index, ChunkPlace Chunk)> left)
    {
        RecentBlock oldest = blocks.Dequeue();
        if (oldest.Live == 0)
        {
            unused.Push(oldest);
            return null;
        }
        for (int i = 0; i < oldest.Chunks.Count; i++)
        {
            if (!logs.TryGetValue(oldest.Chunks[i].Log, out LogChunks? log)) continue;
            if (log.Chunks.Count == 0 || log.Chunks[0] != (oldest, i)) continue;
            log.Chunks.RemoveAt(0);
            log.HasRows = true;
            left.Add((i, oldest.Chunks[i]));
            live--;
        }
        return oldest;
    }

    /// <summary>Forgets a log that is deleted, and whose chunks are removed.</summary>
    public void Forget(long log)
    {
        logs.Remove(log);
        lost.Remove(log);
    }

    /// <summary>Forgets logs without recent chunks.</summary>
    public void Bound()
    {
        foreach ((long log, LogChunks chunks) in logs) if (chunks.Chunks.Count == 0) logs.Remove(log);
    }

    private void Take(RecentBlock block, int length)
    {
        live--;
        block.LiveBytes -= length;
        if (--block.Live == 0) Emptied.Add(block.Id);
    }

    private LogChunks Of(long log)
    {
        if (!logs.TryGetValue(log, out LogChunks? chunks)) logs.Add(log, chunks = new());
        return chunks;
    }

    private sealed class LogChunks
    {
        public List<(RecentBlock Block, int Index)> Chunks { get; } = [];
        public bool HasRows { get; set; } = true;    // until it is known

        public ChunkPlace At(int index) => Chunks[index].Block.Chunks[Chunks[index].Index];
    }
}

/// <summary>A recent block.</summary>
internal sealed class RecentBlock
{
    public long Id { get; private set; }
    public List<ChunkPlace> Chunks { get; } = [];

    /// <summary>The number of remaining chunks.</summary>
    public int Live { get; set; }

    public long LiveBytes { get; set; }
    public int Length => Chunks.Count == 0 ? 0 : Chunks[^1].Start + Chunks[^1].Length;

    public void Begin(long id)
    {
        Chunks.Clear();
        (Id, Live, LiveBytes) = (id, 0, 0);
    }
}
