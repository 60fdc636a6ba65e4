namespace Sluice.Sqlite;

/// <summary>An entry by itself, in the form of a chunk of one: with its checksum, its time and its generation.</summary>
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

    public static Entry Read(byte[] blob, string stream, int partition)
    {
        EntryChunkHeader header = EntryChunk.ReadHeader(blob, stream, partition);
        EntryChunk.ReadRecord(blob.AsMemory(EntryChunk.HeaderBytes), header, header.First, stream, partition, out Entry entry);
        return entry;
    }
}
