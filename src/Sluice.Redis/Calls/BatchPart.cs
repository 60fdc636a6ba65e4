namespace Sluice.Redis;

/// <summary>Entries of one partition that become one chunk.</summary>
internal readonly record struct BatchPart(int Partition, int Count, long Bytes, ReadOnlyMemory<byte> Records)
{
    private const int MaxChunkBytes = 64 << 10;      // a longer entry has its own chunk

    /// <summary>Splits a batch; the part with its first entry comes first.</summary>
    /// <param name="batch">The batch; its memory is used until the call is sent.</param>
    /// <param name="partitions">The number of partitions.</param>
    /// <param name="sticky">The partition for entries without a key.</param>
    public static List<BatchPart> Divide(EntryBatch batch, int partitions, int sticky)
    {
        List<BatchPart> parts = [];
        if (batch.Count == 0) return parts;
        if (!batch.HasKeys || partitions == 1) Cut(parts, batch, batch.HasKeys ? 0 : sticky);
        else
            foreach (IGrouping<int, int> part in Enumerable.Range(0, batch.Count).GroupBy(PartitionOf))
                AddChunks(parts, batch, part.Key, part);
        return parts;

        int PartitionOf(int index) => batch.KeyAt(index) is { Exists: true } key ? key.PartitionOf(partitions) : sticky;
    }

    // Neighbouring entries are not copied.
    private static void Cut(List<BatchPart> parts, EntryBatch batch, int partition)
    {
        for (int index = 0, start = 0; index < batch.Count;)
        {
            int count = 0, length = 0;
            while (index + count < batch.Count && batch.RecordAt(index + count).Length is var more
                && (count == 0 || length + more <= MaxChunkBytes)) (count, length) = (count + 1, length + more);
            parts.Add(new(partition, count, length - ((long)count * EntryChunk.RecordOverhead), batch.Records.Slice(start, length)));
            (index, start) = (index + count, start + length);
        }
    }

    private static void AddChunks(List<BatchPart> parts, EntryBatch batch, int partition, IEnumerable<int> indices)
    {
        using var records = new MemoryStream();
        int count = 0;
        foreach (int index in indices)
        {
            ReadOnlyMemory<byte> record = batch.RecordAt(index);
            if (count > 0 && records.Length + record.Length > MaxChunkBytes) Add();
            records.Write(record.Span);
            count++;
        }
        Add();

        void Add()
        {
            parts.Add(new(partition, count, records.Length - ((long)count * EntryChunk.RecordOverhead), records.ToArray()));
            records.SetLength(0);
            count = 0;
        }
    }
}
