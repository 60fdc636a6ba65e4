namespace Sluice.Sqlite;

/// <summary>
/// The chunks that were written or read last, of all streams: mostly what is appended is leased soon, and owners go through a chunk in several leases.
/// </summary>
internal sealed class ChunkCache
{
    /// <summary>How much it keeps, in bytes.</summary>
    public const int MostBytes = 2 << 20;

    private const int LargestKept = 128 << 10;
    private const int Overhead = 200;                // of a chunk in memory, in bytes: many are small
    private readonly Dictionary<(long Log, long First), StoredChunk> chunks = [];
    private readonly Dictionary<long, StoredChunk> current = []; // what was found last in a log: readings go on in it
    private readonly Queue<(long Log, StoredChunk Chunk)> order = [];
    private long bytes;

    /// <summary>The chunk that begins with an entry, or that the last one of this log was found in.</summary>
    public StoredChunk? Find(long log, long sequence)
    {
        if (current.TryGetValue(log, out StoredChunk? chunk) && chunk.Has(sequence)) return chunk;
        if (!chunks.TryGetValue((log, sequence), out chunk)) return null;
        return current[log] = chunk;
    }

    public void Add(long log, StoredChunk chunk)
    {
        if (chunk.Bytes > LargestKept) return;
        chunks[(log, chunk.Header.First)] = chunk;
        order.Enqueue((log, chunk));
        bytes += chunk.Bytes + Overhead;
        while (bytes > MostBytes) Remove();
    }

    /// <summary>The same; it is where the log is read now.</summary>
    public void AddCurrent(long log, StoredChunk chunk)
    {
        Add(log, chunk);
        if (chunk.Bytes <= LargestKept) current[log] = chunk;
    }

    private void Remove()
    {
        (long log, StoredChunk oldest) = order.Dequeue();
        bytes -= oldest.Bytes + Overhead;
        if (chunks.TryGetValue((log, oldest.Header.First), out StoredChunk? kept) && kept == oldest) chunks.Remove((log, oldest.Header.First));
        if (current.TryGetValue(log, out kept) && kept == oldest) current.Remove(log);
    }
}
