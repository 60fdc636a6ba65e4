namespace Sluice.Sqlite;

/// <summary>Stores one entry as a chunk of its own, with checksum, time and generation.</summary>
internal static class RowBlob
{
    public static byte[] Write(in Entry entry)
    {
        using var batch = new EntryBatch { CodeVersion = entry.CodeVersion, FlowVersion = entry.FlowVersion, MaxEntryBytes = int.MaxValue };
        batch.Add(entry.Payload.Span, entry.Key, entry.Headers.Span);
        var blob = new byte[EntryChunk.HeaderBytes + batch.Records.Length];
        EntryChunk.WriteHeader(blob, new(entry.Sequence, 1, entry.Time, entry.Generation));
        batch.Records.Span.CopyTo(blob.AsSpan(EntryChunk.HeaderBytes));
        return blob;
    }

    /// <exception cref="StreamStoreException">The entry is damaged, or the row belongs to another entry.</exception>
    public static Entry Read(byte[] blob, long sequence, string stream, int partition)
    {
        EntryChunkHeader header;
        try
        {
            header = EntryChunk.ReadHeader(blob, stream, partition);
        }
        catch (StreamStoreException damage)
        {
            throw Damaged(sequence, stream, partition, damage.Message, damage);
        }
        if (header.First != sequence) throw Damaged(sequence, stream, partition, $"its row has the entry {header.First}");
        EntryChunk.ReadRecord(blob.AsMemory(EntryChunk.HeaderBytes), header, header.First, stream, partition, out Entry entry);
        return entry;
    }

    /// <summary>Reads an entry without its payload. A damaged entry has only its sequence, which is certain.</summary>
    public static Entry ReadHead(byte[] blob, long sequence, string stream, int partition)
    {
        try
        {
            return Read(blob, sequence, stream, partition) with { Payload = default };
        }
        catch (StreamStoreException)
        {
            return new() { Sequence = sequence };            // the lease reports the damage
        }
    }

    private static StreamStoreException Damaged(long sequence, string stream, int partition, string how, Exception? cause = null)
        => new($"The entry {stream}/{partition}/{sequence}, which waits, is damaged: {how}", cause)
        {
            Stream = stream,
            Partition = partition,
            Sequence = sequence,
            IsPermanent = true
        };
}
