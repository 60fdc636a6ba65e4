namespace Sluice.Cli.Stores;

/// <summary>
/// Reads the last entries of a stream, and then those that are appended. Reads without a cursor, so the store keeps nothing for it.
/// </summary>
internal sealed class EntryTail
{
    private readonly IStreamStore store;
    private readonly string stream;
    private readonly EntryKey key;
    private readonly int[] partitions;
    private readonly Dictionary<int, long> next = [];
    private readonly HashSet<int> ended = [];

    /// <param name="store">The store.</param>
    /// <param name="stream">The stream.</param>
    /// <param name="key">The key of the wanted entries; <c>default</c> for all.</param>
    public EntryTail(IStreamStore store, StreamInfo stream, EntryKey key)
    {
        (this.store, this.stream, this.key) = (store, stream.Name, key);
        partitions = key.Exists ? [key.PartitionOf(stream.Options.Partitions)] : [.. Enumerable.Range(0, stream.Options.Partitions)];
    }

    /// <summary>Whether the stream has ended, and all its entries were read.</summary>
    public bool HasEnded => ended.Count == partitions.Length;

    /// <summary>Reads to the present end, and returns the last entries by time.</summary>
    public async Task<IReadOnlyList<(EntryId Id, Entry Entry)>> LastAsync(int max, CancellationToken cancellation)
    {
        var last = new PriorityQueue<(EntryId Id, Entry Entry), (DateTimeOffset, long)>();
        foreach (int partition in partitions)
        {
            next[partition] = 1;
            await foreach ((EntryId Id, Entry Entry) one in ReadAsync(partition, cancellation))
            {
                last.Enqueue(one, (one.Entry.Time, one.Entry.Sequence));
                if (last.Count > max) last.Dequeue();
            }
        }
        List<(EntryId, Entry)> found = [];
        while (last.TryDequeue(out (EntryId, Entry) oldest, out _)) found.Add(oldest);
        return found;
    }

    /// <summary>Waits for more entries and returns them; may return without any.</summary>
    public async Task<IReadOnlyList<(EntryId Id, Entry Entry)>> NextAsync(CancellationToken cancellation)
    {
        List<(EntryId Id, Entry Entry)> found = [];
        long seen = await store.WaitForEntriesAsync(stream, partitions, -1, cancellation);
        await ReadAllAsync();
        if (found.Count == 0 && !HasEnded)
        {
            await store.WaitForEntriesAsync(stream, partitions, seen, cancellation);
            await ReadAllAsync();
        }
        return [.. found.OrderBy(static one => one.Entry.Time)];

        async Task ReadAllAsync()
        {
            foreach (int partition in partitions)
                await foreach ((EntryId, Entry) one in ReadAsync(partition, cancellation)) found.Add(one);
        }
    }

    private async IAsyncEnumerable<(EntryId Id, Entry Entry)> ReadAsync(int partition,
        [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellation)
    {
        while (true)
        {
            ReadResult result = await store.ReadAsync(new(stream, partition, next[partition]), cancellation);
            next[partition] = result.Next;
            if (result.End is not null) ended.Add(partition);
            if (result.Entries.IsEmpty) yield break;
            foreach (Entry entry in result.Entries.ToArray())
                if (!key.Exists || entry.Key == key) yield return (entry.IdIn(stream, partition), entry);
        }
    }
}
