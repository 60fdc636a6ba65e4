namespace Sluice.Storage;

/// <summary>A stream of the memory store. Used under the store's lock.</summary>
internal sealed class StoredStream
{
    private int next;                                // the partition for the next entries without a key; advances with every append

    private readonly StreamChanges changes;
    private readonly PriorityQueue<string, DateTimeOffset> forgetting = new();

    public StoredStream(string name, long number, StreamOptions options, StreamChanges changes)
    {
        (Name, Number, Options, this.changes) = (name, number, options, changes);
        changes.Know(name);
        Logs = [.. Enumerable.Range(0, options.Partitions).Select(partition => new PartitionLog(name, partition))];
    }

    public string Name { get; }
    public long Number { get; }                      // of the store's streams, in the order in which they were made
    public StreamOptions Options { get; }
    public PartitionLog[] Logs { get; }

    /// <summary>The number of queued times at which producers may be forgotten.</summary>
    public int Forgettings => forgetting.Count;

    public StreamEnd? End { get; set; }
    public Dictionary<string, StoredProducer> Producers { get; } = new(StringComparer.Ordinal);
    public SortedDictionary<string, StoredGroup> Groups { get; } = new(StringComparer.Ordinal);
    public SortedDictionary<string, StoredReader> Readers { get; } = new(StringComparer.Ordinal);
    public Backlog Reserved;

    /// <summary>Wakes every caller that waits for a change; continuations run on the pool.</summary>
    public void Changed() => changes.Publish([Name]);

    /// <summary>Wakes callers that wait for entries of some partitions, and callers that wait for any change.</summary>
    /// <param name="partitions">Empty if only room was made.</param>
    public void Changed(IReadOnlyCollection<int> partitions) => changes.PublishEntries(Name, partitions);

    /// <summary>Whether a consumer with backpressure lacks room for the given entries; one without backlog always has room.</summary>
    public bool IsFullFor(long items, long bytes)
    {
        bool gated = false;
        foreach (StoredGroup group in Groups.Values) if (Exceeds(group.Backlog)) return true; else gated = true;
        foreach (StoredReader reader in Readers.Values)
        {
            gated = true;
            if (reader.Options.AppliesBackpressure && Exceeds(reader.Backlog)) return true;
        }
        if (gated || Options.Retention == Retention.All) return false;
        return Exceeds(new Backlog { Items = Logs.Sum(log => log.Tail - log.Trimmed), Bytes = Logs.Sum(log => log.Bytes) });

        bool Exceeds(Backlog backlog)
        {
            long present = backlog.Items + Reserved.Items;
            return present > 0 && (present + items > Options.MaxItems || backlog.Bytes + Reserved.Bytes + bytes > Options.MaxBytes);
        }
    }

    /// <summary>Closes expired readers, and forgets expired producers.</summary>
    public void Sweep(DateTimeOffset now)
    {
        if (Readers.Count > 0)
            foreach (StoredReader reader in Readers.Values.Where(reader => reader.ExpiresAt <= now).ToArray()) Close(reader);
        while (forgetting.TryPeek(out string? name, out DateTimeOffset at) && at <= now)
        {
            forgetting.Dequeue();
            if (!Producers.TryGetValue(name, out StoredProducer? producer) || producer.QueuedFor != at) continue;
            producer.QueuedFor = null;
            if (producer.ForgetAt <= now) Producers.Remove(name);
            else if (producer.ForgetAt is { } later) Forget(name, producer, later);
        }
    }

    /// <summary>Lets a producer be forgotten at a time. It is queued once, however often the time is put off.</summary>
    public void Forget(string name, StoredProducer producer, DateTimeOffset at)
    {
        producer.ForgetAt = at;
        if (producer.QueuedFor <= at) return;
        producer.QueuedFor = at;
        forgetting.Enqueue(name, at);
    }

    /// <summary>The time until the next reader may expire; null if none may.</summary>
    public TimeSpan? NextExpiry(DateTimeOffset now) => Readers.Values.Min(reader => reader.ExpiresAt) - now;

    public void Close(StoredReader reader)
    {
        Readers.Remove(reader.Name);
        for (int partition = 0; partition < Logs.Length; partition++) Trim(partition);
        Changed([]);
    }

    /// <summary>Frees the entries that all consumers have passed.</summary>
    public void Trim(int partition)
    {
        if (Options.Retention == Retention.All || (Groups.Count == 0 && Readers.Count == 0)) return;
        long passed = long.MaxValue;
        foreach (StoredGroup group in Groups.Values) passed = Math.Min(passed, group.Partitions[partition].Done);
        foreach (StoredReader reader in Readers.Values) passed = Math.Min(passed, reader.Next[partition] - 1);
        Logs[partition].TrimTo(passed);
    }

    /// <summary>Appends validated entries, and adds them to the backlog of every consumer.</summary>
    /// <returns>The id of the first entry; null if there are none.</returns>
    public EntryId? Append(EntryBatch batch, DateTimeOffset now, int generation)
    {
        if (batch.Count == 0) return null;
        int sticky = next;
        next = (next + 1) % Logs.Length;
        EntryId? first = null;
        HashSet<int> changed = [];
        foreach ((int partition, byte[] records, int[] ends, bool isFirst) in BatchSplit.ByPartition(batch, Logs.Length, sticky))
        {
            long sequence = Logs[partition].Add(records, ends, now, generation);
            changed.Add(partition);
            if (isFirst) first = new(generation, Name, partition, sequence);
        }
        foreach (StoredGroup group in Groups.Values) group.Backlog.Add(batch.Count, batch.Bytes);
        foreach (StoredReader reader in Readers.Values) reader.Backlog.Add(batch.Count, batch.Bytes);
        Changed(changed);
        return first;
    }
}
