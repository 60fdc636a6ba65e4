namespace Sluice.Storage;

/// <summary>The entries of a partition in memory: blocks by sequence, trimmed from the front. Used under the store's lock.</summary>
internal sealed class PartitionLog(string stream, int partition)
{
    private readonly List<LogChunk> chunks = [];
    private int head;                                // blocks before it are freed; compacted when they are half of the list
    private int found;                               // the result of the last search: the next one mostly needs the same block

    /// <summary>The sequence of the last entry; zero if there was none.</summary>
    public long Tail { get; private set; }

    /// <summary>Entries up to this sequence may be gone.</summary>
    public long Trimmed { get; private set; }

    /// <summary>The size of payloads and headers of the present blocks, in bytes.</summary>
    public long Bytes { get; private set; }

    public IEnumerable<LogChunk> Chunks => chunks.Skip(head);

    /// <summary>Takes over records; the caller must not change them.</summary>
    public long Add(byte[] records, int[] ends, DateTimeOffset time, int generation)
    {
        var chunk = new LogChunk(new(Tail + 1, ends.Length, time, generation), records, ends);
        chunks.Add(chunk);
        Bytes += chunk.Bytes;
        Tail += ends.Length;
        return chunk.Header.First;
    }

    /// <summary>Reads a present entry.</summary>
    public Entry Read(long sequence)
    {
        LogChunk chunk = chunks[Find(sequence)];
        int index = (int)(sequence - chunk.Header.First);
        EntryChunk.ReadRecord(chunk.Records.AsMemory(chunk.StartOf(index)), chunk.Header, sequence, stream, partition, out Entry entry);
        return entry;
    }

    /// <summary>Reads a present entry. A damaged one has its raw bytes as payload, and a description of the damage.</summary>
    public (Entry Entry, string? Damage) TryRead(long sequence)
    {
        try
        {
            return (Read(sequence), null);
        }
        catch (StreamStoreException damage)
        {
            return (new() { Sequence = sequence, Payload = RecordOf(sequence).ToArray() }, damage.Message);
        }
    }

    /// <summary>The stored bytes of a present entry.</summary>
    public Memory<byte> RecordOf(long sequence)
    {
        LogChunk chunk = chunks[Find(sequence)];
        int index = (int)(sequence - chunk.Header.First);
        return chunk.Records.AsMemory(chunk.StartOf(index)..chunk.StartOf(index + 1));
    }

    /// <summary>The size of a present entry's payload and headers, in bytes.</summary>
    public int LengthOf(long sequence)
    {
        LogChunk chunk = chunks[Find(sequence)];
        return (int)chunk.BytesOf((int)(sequence - chunk.Header.First), 1);
    }

    /// <summary>The size of present entries' payloads and headers, in bytes.</summary>
    public long BytesOf(long first, long last)
    {
        long bytes = 0;
        for (int i = first > last ? 0 : Find(first); first <= last; i++)
        {
            EntryChunkHeader header = chunks[i].Header;
            int count = (int)(Math.Min(last, header.First + header.Count - 1) - first + 1);
            bytes += chunks[i].BytesOf((int)(first - header.First), count);
            first += count;
        }
        return bytes;
    }

    public void TrimTo(long sequence)
    {
        Trimmed = Math.Max(Trimmed, sequence);
        for (; head < chunks.Count && chunks[head].Last <= Trimmed; head++)
        {
            Bytes -= chunks[head].Bytes;
            chunks[head] = null!;
        }
        if (head <= 32 || head * 2 < chunks.Count) return;
        chunks.RemoveRange(0, head);
        head = 0;
    }

    private int Find(long sequence)
    {
        if (found >= head && found < chunks.Count && chunks[found].Header.First <= sequence && sequence <= chunks[found].Last) return found;
        int low = head, high = chunks.Count - 1;
        while (low <= high)
        {
            int middle = (low + high) / 2;
            if (chunks[middle].Last < sequence) low = middle + 1;
            else if (chunks[middle].Header.First > sequence) high = middle - 1;
            else return found = middle;
        }
        throw new StreamStoreException(
            $"{stream}/{partition}/{sequence} is not in the memory store: this is a defect of Sluice, please report it.")
        { Stream = stream, Partition = partition, Sequence = sequence };
    }
}

/// <summary>A block: entries that were appended together.</summary>
internal sealed class LogChunk(EntryChunkHeader header, byte[] records, int[] ends)
{
    public EntryChunkHeader Header => header;
    public byte[] Records => records;
    public long Last => header.First + header.Count - 1;
    public long Bytes => BytesOf(0, header.Count);

    public int StartOf(int index) => index == 0 ? 0 : ends[index - 1];

    public long BytesOf(int index, int count) => ends[index + count - 1] - StartOf(index) - ((long)count * EntryChunk.RecordOverhead);
}
