namespace Sluice.Sqlite;

/// <summary>A chunk that was read. Entries are slices of it; each is compared with its checksum when it is read.</summary>
internal sealed class StoredChunk(byte[] blob, EntryChunkHeader header)
{
    private long nextSequence = header.First;        // where the last reading stopped: readers go on from there
    private int nextOffset = EntryChunk.HeaderBytes;

    public EntryChunkHeader Header => header;
    public int Bytes => blob.Length;

    public bool Has(long sequence) => sequence >= header.First && sequence < header.First + header.Count;

    public Entry Read(long sequence, string stream, int partition)
    {
        Seek(sequence);
        int length = EntryChunk.ReadRecord(blob.AsMemory(nextOffset), header, sequence, stream, partition, out Entry entry);
        (nextSequence, nextOffset) = (sequence + 1, nextOffset + length);
        return entry;
    }

    /// <summary>The length of an entry's payload and headers; wrong if the entry is damaged, which reading it finds.</summary>
    public long LengthOf(long sequence)
    {
        Seek(sequence);
        return Math.Max(0, EntryChunk.RecordLength(blob.AsSpan(nextOffset)) - EntryChunk.RecordOverhead);
    }

    /// <summary>The bytes of an entry, as far as its length can be trusted; of one that is damaged.</summary>
    public ReadOnlyMemory<byte> BytesAt(long sequence)
    {
        Seek(sequence);
        int length = Math.Max(EntryChunk.RecordLength(blob.AsSpan(nextOffset)), EntryChunk.RecordOverhead);
        return blob.AsMemory(nextOffset, Math.Min(length, blob.Length - nextOffset)).ToArray();
    }

    private void Seek(long sequence)
    {
        if (sequence < nextSequence) (nextSequence, nextOffset) = (header.First, EntryChunk.HeaderBytes);
        for (; nextSequence < sequence; nextSequence++)
        {
            int length = EntryChunk.RecordLength(blob.AsSpan(nextOffset));
            nextOffset = (int)Math.Min(blob.Length, nextOffset + (long)Math.Max(length, EntryChunk.RecordOverhead));
        }
    }
}
