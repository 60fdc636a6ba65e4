namespace Sluice.PostgreSql;

/// <summary>A stream that a round has locked, with its groups and readers.</summary>
internal sealed class StreamRow
{
    public required long Id { get; init; }
    public required string Name { get; init; }
    public required StreamOptions Options { get; init; }
    public StreamEnd? End { get; set; }

    /// <summary>The partition for the next entries without a key.</summary>
    public int Next { get; set; }

    /// <summary>The partition for all entries without a key of this round; null before the first.</summary>
    public int? Sticky { get; set; }

    /// <summary>Entries ever appended, and their bytes.</summary>
    public long Items { get; set; }
    public long Bytes { get; set; }

    /// <summary>Entries that were trimmed when the last consumer went. Counts only while there is none.</summary>
    public long Gone { get; set; }
    public long GoneBytes { get; set; }

    public long ReservedItems { get; set; }
    public long ReservedBytes { get; set; }
    public SortedDictionary<string, GroupRow> Groups { get; } = new(StringComparer.Ordinal);
    public SortedDictionary<string, ReaderRow> Readers { get; } = new(StringComparer.Ordinal);
    public Dictionary<int, PartRow> Parts { get; } = [];
    public Dictionary<string, ProducerRow> Producers { get; } = new(StringComparer.Ordinal);

    /// <summary>Producers that were looked for, found or not.</summary>
    public HashSet<string> KnownProducers { get; } = new(StringComparer.Ordinal);
    public bool IsChanged { get; set; }

    /// <summary>The number that the last round with changes of the stream has written; each round writes another one.</summary>
    public long Stamp { get; set; }

    /// <summary>Whether this round has written something of the stream.</summary>
    public bool IsWritten { get; set; }

    /// <summary>The bytes of all <see cref="PartRow.Recent"/> blocks.</summary>
    public int RecentBytes { get; set; }

    /// <summary>The latest time that a round of the stream has seen, in ticks.</summary>
    public long Time { get; set; }

    /// <summary>Whether something of the stream has changed and is not written yet.</summary>
    public bool HasChanges => IsChanged || Parts.Values.Any(static part => part.IsChanged)
        || Groups.Values.Any(static group => group.IsChanged || group.Owned.Values.Any(static owned => owned.IsChanged))
        || Readers.Values.Any(static reader => reader.IsChanged) || Producers.Values.Any(static producer => producer.IsChanged);

    /// <summary>What <see cref="Held"/> is in the stored row: senders in transactions of their own look at it.</summary>
    public (long Items, long Bytes) StoredHeld { get; set; }

    /// <summary>Whether a producer has appended in this round.</summary>
    public bool HasAppended { get; set; }

    /// <summary>
    /// Whether the rows, as an earlier round has left them, tell what is stored, provided that the stamp is still there. A call may prolong
    /// the life of a reader, or give back what its own stream has reserved here, without writing the stamp.
    /// </summary>
    public bool IsValidAt(long now) => ReservedItems == 0 && ReservedBytes == 0
        && Readers.Values.All(reader => reader.Expires is not { } at || at > now);

    /// <summary>Prepares the rows for the next round.</summary>
    public void Rest(int maxProducers)
    {
        (Sticky, HasAppended, IsWritten) = (null, false, false);
        if (KnownProducers.Count <= maxProducers) return;
        Producers.Clear();
        KnownProducers.Clear();
    }

    /// <summary>Whether a consumer with backpressure lacks room for the given entries; one without backlog always has room.</summary>
    public bool IsFullFor(long items, long bytes)
    {
        bool gated = false;
        foreach (GroupRow group in Groups.Values)
        {
            if (Exceeds(Items - group.Items, Bytes - group.Bytes)) return true;
            gated = true;
        }
        foreach (ReaderRow reader in Readers.Values)
        {
            gated = true;
            if (reader.Options.AppliesBackpressure && Exceeds(Items - reader.Items, Bytes - reader.Bytes)) return true;
        }
        return !gated && Options.Retention != Retention.All && Exceeds(Items - Gone, Bytes - GoneBytes);

        bool Exceeds(long presentItems, long presentBytes)
        {
            long present = presentItems + ReservedItems;
            return present > 0 && (present + items > Options.MaxItems || presentBytes + ReservedBytes + bytes > Options.MaxBytes);
        }
    }

    /// <summary>What counts against the bounds: the most that a consumer with backpressure has not passed, and what is reserved.</summary>
    public (long Items, long Bytes) Held()
    {
        (long items, long bytes) = Groups.Count + Readers.Count > 0 || Options.Retention == Retention.All ? (0, 0)
            : (Items - Gone, Bytes - GoneBytes);
        foreach (GroupRow group in Groups.Values)
            (items, bytes) = (Math.Max(items, Items - group.Items), Math.Max(bytes, Bytes - group.Bytes));
        foreach (ReaderRow reader in Readers.Values)
            if (reader.Options.AppliesBackpressure)
                (items, bytes) = (Math.Max(items, Items - reader.Items), Math.Max(bytes, Bytes - reader.Bytes));
        return (items + ReservedItems, bytes + ReservedBytes);
    }

    /// <summary>The time until the next reader may expire; null if none may.</summary>
    public TimeSpan? NextExpiry(long now)
        => Readers.Values.Min(reader => reader.Expires) is { } at ? TimeSpan.FromTicks(Math.Max(0, at - now)) : null;

    /// <exception cref="ArgumentOutOfRangeException">The stream has no such partition.</exception>
    public int Checked(int partition) => (uint)partition < (uint)Options.Partitions ? partition
        : throw new ArgumentOutOfRangeException(nameof(partition), partition,
        $"The stream {Name} has the partitions 0 to {Options.Partitions - 1}.");
}

/// <summary>A partition of a stream: its marks, and the entries that this round appends.</summary>
internal sealed class PartRow(StreamRow stream, int number)
{
    public StreamRow Stream => stream;
    public int Number => number;

    /// <summary>The last sequence, with the entries of this round.</summary>
    public long Tail { get; set; }

    /// <summary>The last sequence whose chunk is written.</summary>
    public long StoredTail { get; set; }

    /// <summary>The sum of all bytes ever appended.</summary>
    public long Bytes { get; set; }
    public long Trimmed { get; init; }

    /// <summary>
    /// The last sequence whose block is known to be removed. Looking from here on passes no index entries of removed blocks.
    /// </summary>
    public long Swept { get; set; }
    public List<NewChunk> Chunks { get; } = [];

    /// <summary>The last blocks that rounds of this process have written.</summary>
    public RecentBlocks Recent { get; } = new(stream);
    public bool IsChanged { get; set; }
}

/// <summary>A reader.</summary>
internal sealed class ReaderRow
{
    public required long Id { get; init; }
    public required string Name { get; init; }
    public required ReaderOptions Options { get; init; }
    public long? Expires { get; set; }

    /// <summary>The entries of the stream that it has passed, and their bytes.</summary>
    public long Items { get; set; }
    public long Bytes { get; set; }
    public bool IsChanged { get; set; }

    public void Use(long now)
    {
        if (Options.IdleTimeout is not { } idle) return;
        Expires = now + idle.Ticks;
        IsChanged = true;
    }
}

/// <summary>A producer.</summary>
internal sealed class ProducerRow(string name)
{
    public string Name => name;
    public long Epoch { get; set; }
    public long Last { get; set; }
    public long LastFrom { get; set; }
    public EntryId? LastId { get; set; }
    public byte[] Position { get; set; } = [];
    public long? Forget { get; set; }
    public bool IsChanged { get; set; }
}
