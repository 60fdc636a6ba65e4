namespace Sluice.Cli.Stores;

/// <summary>An entry that was read, or the place of one that is damaged.</summary>
/// <param name="Id">The id. The generation of a damaged entry is unknown: zero.</param>
/// <param name="Entry">The entry; null if it is damaged.</param>
/// <param name="Time">The time of the entry. A damaged entry has the time of the entry before it.</param>
internal readonly record struct TailEntry(EntryId Id, Entry? Entry, DateTimeOffset Time);

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
    private readonly Dictionary<int, DateTimeOffset> times = [];
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

    /// <summary>Whether entries are damaged.</summary>
    public bool HasDamage { get; private set; }

    /// <summary>Reads to the present end, and returns the last entries by time.</summary>
    public async Task<IReadOnlyList<TailEntry>> LastAsync(int max, CancellationToken cancellation)
    {
        var last = new PriorityQueue<TailEntry, (DateTimeOffset, long)>();
        foreach (int partition in partitions)
        {
            next[partition] = 1;
            await foreach (TailEntry one in ReadAsync(partition, cancellation))
            {
                last.Enqueue(one, (one.Time, one.Id.Sequence));
                if (last.Count > max) last.Dequeue();
            }
        }
        List<TailEntry> found = [];
        while (last.TryDequeue(out TailEntry oldest, out _)) found.Add(oldest);
        return found;
    }

    /// <summary>Waits for more entries and returns them; may return without any.</summary>
    public async Task<IReadOnlyList<TailEntry>> NextAsync(CancellationToken cancellation)
    {
        List<TailEntry> found = [];
        long seen = await store.WaitForEntriesAsync(stream, partitions, -1, cancellation);
        await ReadAllAsync();
        if (found.Count == 0 && !HasEnded)
        {
            await store.WaitForEntriesAsync(stream, partitions, seen, cancellation);
            await ReadAllAsync();
        }
        return [.. found.OrderBy(static one => one.Time)];

        async Task ReadAllAsync()
        {
            foreach (int partition in partitions)
                await foreach (TailEntry one in ReadAsync(partition, cancellation)) found.Add(one);
        }
    }

    // A read ends before a damaged entry, and the next one throws.
    private async IAsyncEnumerable<TailEntry> ReadAsync(int partition,
        [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellation)
    {
        while (true)
        {
            ReadResult? result = null;
            try
            {
                result = await store.ReadAsync(new(stream, partition, next[partition]), cancellation);
            }
            catch (StreamStoreException damage) when (damage.IsPermanent && damage.Sequence >= next[partition])
            {
                HasDamage = true;
                next[partition] = damage.Sequence.Value;
            }
            if (result is null)
            {
                yield return new(new(0, stream, partition, next[partition]++), null, times.GetValueOrDefault(partition));
                continue;
            }
            next[partition] = result.Next;
            if (result.End is not null) ended.Add(partition);
            if (result.Entries.IsEmpty) yield break;
            foreach (Entry entry in result.Entries.ToArray())
            {
                times[partition] = entry.Time;
                if (!key.Exists || entry.Key == key) yield return new(entry.IdIn(stream, partition), entry, entry.Time);
            }
        }
    }
}
