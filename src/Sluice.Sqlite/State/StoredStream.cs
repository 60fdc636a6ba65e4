namespace Sluice.Sqlite;

/// <summary>A stream in the database, loaded on first use, without its entries.</summary>
internal sealed class StoredStream
{
    private const long MaxAwaited = 1 << 20;        // bytes: about half of the caches

    private int next;                                // the partition for the next entries without a key; advances with every transaction

    public StoredStream(Session session, long id, string name, StreamOptions options)
    {
        (Session, Id, Name, Options) = (session, id, name, options);
        Logs = [.. Enumerable.Range(0, options.Partitions).Select(partition => new StoredLog(session, this, partition))];
        next = (int)(session.Transaction % options.Partitions);
    }

    public Session Session { get; }
    public long Id { get; }
    public string Name { get; }
    public StreamOptions Options { get; }
    public StoredLog[] Logs { get; }
    public StreamEnd? End { get; set; }
    public SortedDictionary<string, StoredGroup> Groups { get; } = new(StringComparer.Ordinal);
    public SortedDictionary<string, StoredReader> Readers { get; } = new(StringComparer.Ordinal);

    // All appends of a transaction put entries without keys into one partition: one chunk, in which they are neighbours.
    private long stickyFor = -1;

    /// <summary>Whether a consumer with backpressure lacks room for the given entries; one without backlog always has room.</summary>
    public bool IsFullFor(long items, long bytes)
    {
        Backlog reserved = Session.Living.Reserved.On(this);
        foreach (StoredGroup group in Groups.Values) if (Exceeds(group.Backlog)) return true;
        foreach (StoredReader reader in Readers.Values) if (reader.Options.AppliesBackpressure && Exceeds(reader.Backlog)) return true;
        if (Groups.Count > 0 || Readers.Count > 0 || Options.Retention == Retention.All) return false;
        return Exceeds(new Backlog { Items = Logs.Sum(log => log.Tail - log.Trimmed), Bytes = Logs.Sum(log => log.Bytes) });

        bool Exceeds(Backlog backlog)
        {
            long present = backlog.Items + reserved.Items;
            return present > 0 && (present + items > Options.MaxItems || backlog.Bytes + reserved.Bytes + bytes > Options.MaxBytes);
        }
    }

    /// <summary>Appends validated entries, and adds them to the backlog of every consumer.</summary>
    /// <returns>The id of the first entry; null if there are none.</returns>
    public EntryId? Append(EntryBatch batch)
    {
        if (batch.Count == 0) return null;
        Session.Write();
        if (stickyFor != Session.Transaction) (stickyFor, next) = (Session.Transaction, (next + 1) % Logs.Length);
        EntryId first = batch.HasKeys && Logs.Length > 1 ? Scatter(batch)
            : AddTo(Logs[batch.HasKeys ? 0 : next], batch.Records.Span, batch.Count);
        foreach (StoredGroup group in Groups.Values) group.Backlog.Add(batch.Count, batch.Bytes);
        foreach (StoredReader reader in Readers.Values) reader.Backlog.Add(batch.Count, batch.Bytes);
        return first;
    }

    /// <summary>Closes expired readers.</summary>
    public void Sweep()
    {
        if (Readers.Count == 0 || Session.IsReadOnly) return;
        foreach (StoredReader reader in Readers.Values.Where(reader => reader.ExpiresAt <= Session.Now).ToArray()) Close(reader);
    }

    /// <summary>The time until the next reader may expire; null if none may.</summary>
    public TimeSpan? NextExpiry() => Readers.Values.Min(reader => reader.ExpiresAt) - Session.Now;

    public void Close(StoredReader reader)
    {
        Session.Write();
        Session.Save();                              // otherwise its marks would be written after the reader is gone
        Session.Sql("DELETE FROM sluice_cursor WHERE reader = ?").Put(reader.Id).Run();
        Session.Sql("DELETE FROM sluice_reader WHERE id = ?").Put(reader.Id).Run();
        Readers.Remove(reader.Name);
        Session.Living.ForgetReader(reader.Id);      // early if the transaction fails: then its time begins again
        for (int partition = 0; partition < Logs.Length; partition++) Trim(partition);
        Session.Changes.AddRoom(Name);
    }

    /// <summary>Whether a group will lease appended entries while they are still cached.</summary>
    public bool IsAwaited
    {
        get
        {
            foreach (StoredGroup group in Groups.Values) if (group.Backlog.Bytes <= MaxAwaited) return true;
            return false;
        }
    }

    /// <summary>Frees the entries that all consumers have passed.</summary>
    public void Trim(int partition)
    {
        if (Options.Retention == Retention.All || (Groups.Count == 0 && Readers.Count == 0)) return;
        long passed = long.MaxValue;
        foreach (StoredGroup group in Groups.Values) passed = Math.Min(passed, group.Partitions[partition].Done);
        foreach (StoredReader reader in Readers.Values) passed = Math.Min(passed, reader.Next(partition) - 1);
        Logs[partition].TrimTo(passed);
    }

    private EntryId Scatter(EntryBatch batch)
    {
        EntryId? first = null;
        for (ReadOnlySpan<byte> records = batch.Records.Span; records.Length > 0;)
        {
            int length = EntryChunk.RecordLength(records);
            EntryKey key = EntryChunk.KeyOf(records);
            EntryId id = AddTo(Logs[key.Exists ? key.PartitionOf(Logs.Length) : next], records[..length], 1);
            first ??= id;
            records = records[length..];
        }
        return first!.Value;
    }

    private EntryId AddTo(StoredLog log, ReadOnlySpan<byte> records, int count)
    {
        log.Add(records, count);
        Session.Changes.AddEntries(Name, log.Partition);
        return new(Session.Generation, Name, log.Partition, log.Tail - count + 1);
    }
}
