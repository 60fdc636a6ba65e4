namespace Sluice.Redis;

/// <summary>Entries for one partition that become one chunk.</summary>
internal readonly record struct BatchPart(int Partition, int Count, long Bytes, ReadOnlyMemory<byte> Records)
{
    private const int MaxChunkBytes = 64 << 10;      // an entry that is longer has one of its own

    /// <summary>Divides a batch; the part with its first entry comes first.</summary>
    /// <param name="batch">The batch; its memory is used until the call is sent.</param>
    /// <param name="partitions">How many there are.</param>
    /// <param name="sticky">Where entries without a key go.</param>
    public static List<BatchPart> Divide(EntryBatch batch, int partitions, int sticky)
    {
        List<BatchPart> parts = [];
        if (batch.Count == 0) return parts;
        bool isOne = !batch.HasKeys || partitions == 1;
        if (isOne && batch.Records.Length <= MaxChunkBytes)
        {
            parts.Add(new(batch.HasKeys ? 0 : sticky, batch.Count, batch.Bytes, batch.Records));
            return parts;
        }
        foreach (IGrouping<int, int> part in Enumerable.Range(0, batch.Count).GroupBy(PartitionOf)) AddChunks(parts, batch, part.Key, part);
        return parts;

        int PartitionOf(int index) => isOne && batch.HasKeys ? 0 : batch.KeyAt(index) is { Exists: true } key ? key.PartitionOf(partitions) : sticky;
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
