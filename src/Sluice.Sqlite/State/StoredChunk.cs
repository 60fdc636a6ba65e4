namespace Sluice.Sqlite;

/// <summary>A chunk that was read. Its entries are slices of it, and each read verifies the entry's checksum.</summary>
internal sealed class StoredChunk(byte[] blob, EntryChunkHeader header)
{
    private long nextSequence = header.First;        // where the last read stopped: sequential readers continue there
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

    /// <summary>Returns the length of an entry's payload and headers; wrong for a damaged entry, which a read detects.</summary>
    public long LengthOf(long sequence)
    {
        Seek(sequence);
        return Math.Max(0, EntryChunk.RecordLength(blob.AsSpan(nextOffset)) - EntryChunk.RecordOverhead);
    }

    /// <summary>Returns the bytes of a damaged entry, as far as its length can be trusted.</summary>
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
