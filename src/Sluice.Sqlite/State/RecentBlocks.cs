namespace Sluice.Sqlite;

/// <summary>
/// The last blocks that were written, and the chunks in them. Mostly a chunk is leased, settled and removed while it is among them: what the database has of it is an item in the
/// directory of its block, and nothing in any index. Blocks that have become old get rows for what is left of them (<see cref="StoredBlocks"/>).
/// </summary>
internal sealed class RecentBlocks(int most)
{
    private const int MaxChunks = 16 << 10;

    private readonly Queue<RecentBlock> blocks = [];
    private readonly Dictionary<long, LogChunks> logs = [];
    private readonly Stack<RecentBlock> unused = [];
    private readonly Dictionary<long, ChunkPlace> lost = [];
    private int live;                                // chunks

    /// <summary>The ids of blocks of which nothing is left; whoever deletes them clears it.</summary>
    public List<long> Emptied { get; } = [];

    /// <summary>Whether some should get rows: more than are kept.</summary>
    public bool AreMany => blocks.Count > most || live > MaxChunks;

    /// <summary>Whether enough have got rows: they get them many at a time.</summary>
    public bool AreFew => blocks.Count <= most / 2 && live <= MaxChunks / 2;

    /// <summary>The id of the oldest: all before it have rows.</summary>
    public long? FirstId => blocks.TryPeek(out RecentBlock? oldest) ? oldest.Id : null;

    /// <summary>A block to be filled and then added.</summary>
    public RecentBlock Begin(long id)
    {
        RecentBlock block = unused.TryPop(out RecentBlock? used) ? used : new();
        block.Begin(id);
        return block;
    }

    /// <param name="block">A block that is written, above all others.</param>
    /// <param name="trimmed">Up to which entry chunks of a log are gone already.</param>
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

    /// <summary>The last chunk of a log that begins with a sequence or before it; null if none of these does.</summary>
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

    /// <summary>Where the first chunk begins that begins behind a sequence; null if none does.</summary>
    public long? FirstBehind(long log, long sequence)
    {
        if (!logs.TryGetValue(log, out LogChunks? chunks)) return null;
        for (int i = 0; i < chunks.Chunks.Count; i++) if (chunks.At(i).First > sequence) return chunks.At(i).First;
        return null;
    }

    /// <summary>Keeps the end of a log behind a chunk that is missing together with its block, unless all groups have passed the chunk.</summary>
    public void Lose(ChunkPlace chunk)
    {
        if (!lost.TryGetValue(chunk.Log, out ChunkPlace known) || known.Last < chunk.Last) lost[chunk.Log] = chunk;
    }

    /// <summary>The last chunk of a log that is gone; null if none is.</summary>
    public ChunkPlace? Lost(long log) => lost.TryGetValue(log, out ChunkPlace chunk) ? chunk : null;

    public ChunkPlace? First(long log) => logs.TryGetValue(log, out LogChunks? chunks) && chunks.Chunks.Count > 0 ? chunks.At(0) : null;
    public ChunkPlace? Last(long log) => logs.TryGetValue(log, out LogChunks? chunks) && chunks.Chunks.Count > 0 ? chunks.At(chunks.Chunks.Count - 1) : null;

    /// <summary>Whether a log may have chunks with rows; they are before all of these.</summary>
    public bool HasRows(long log) => !logs.TryGetValue(log, out LogChunks? chunks) || chunks.HasRows;

    /// <summary>The chunks of a log that end at a sequence at the latest are gone; the caller deletes those with rows.</summary>
    public void Remove(long log, long upTo, long tail)
    {
        LogChunks chunks = Of(log);
        int gone = 0;
        for (; gone < chunks.Chunks.Count && chunks.At(gone).Last <= upTo; gone++) Take(chunks.Chunks[gone].Block, chunks.At(gone).Length);
        chunks.Chunks.RemoveRange(0, gone);
        chunks.HasRows &= (First(log)?.First - 1 ?? tail) > upTo;
    }

    /// <summary>Takes the oldest block away, and what is left of it, with the place of each among its chunks; null if nothing is.</summary>
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
            LogChunks log = Of(oldest.Chunks[i].Log);
            if (log.Chunks.Count == 0 || log.Chunks[0] != (oldest, i)) continue;
            log.Chunks.RemoveAt(0);
            log.HasRows = true;
            left.Add((i, oldest.Chunks[i]));
            live--;
        }
        return oldest;
    }

    /// <summary>Forgets logs of which it knows nothing but that.</summary>
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

/// <summary>One of them.</summary>
internal sealed class RecentBlock
{
    public long Id { get; private set; }
    public List<ChunkPlace> Chunks { get; } = [];

    /// <summary>How many of the chunks are left.</summary>
    public int Live { get; set; }

    public long LiveBytes { get; set; }
    public int Length => Chunks.Count == 0 ? 0 : Chunks[^1].Start + Chunks[^1].Length;

    public void Begin(long id)
    {
        Chunks.Clear();
        (Id, Live, LiveBytes) = (id, 0, 0);
    }
}
