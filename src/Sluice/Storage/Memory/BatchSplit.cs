namespace Sluice.Storage;

/// <summary>Splits a batch by partition, into copies.</summary>
internal static class BatchSplit
{
    public static IEnumerable<(int Partition, byte[] Records, int[] Ends, bool HasFirst)> ByPartition(EntryBatch batch, int partitions,
        int sticky)
    {
        if (!batch.HasKeys || partitions == 1) return [(batch.HasKeys ? 0 : sticky, batch.Records.ToArray(), batch.Ends.ToArray(), true)];

        var parts = new Dictionary<int, (List<int> Indices, int Bytes)>();
        for (int i = 0; i < batch.Count; i++)
        {
            EntryKey key = batch.KeyAt(i);
            int partition = key.Exists ? key.PartitionOf(partitions) : sticky;
            (List<int> indices, int bytes) = parts.TryGetValue(partition, out var part) ? part : ([], 0);
            indices.Add(i);
            parts[partition] = (indices, bytes + batch.LengthAt(i) + EntryChunk.RecordOverhead);
        }
        return parts.Select(part => Copy(batch, part.Key, part.Value.Indices, part.Value.Bytes)).ToArray();
    }

    private static (int, byte[], int[], bool) Copy(EntryBatch batch, int partition, List<int> indices, int bytes)
    {
        var records = new byte[bytes];
        var ends = new int[indices.Count];
        int written = 0;
        for (int i = 0; i < ends.Length; i++)
        {
            ReadOnlySpan<byte> record = batch.RecordAt(indices[i]).Span;
            record.CopyTo(records.AsSpan(written));
            ends[i] = written += record.Length;
        }
        return (partition, records, ends, indices[0] == 0);
    }
}
