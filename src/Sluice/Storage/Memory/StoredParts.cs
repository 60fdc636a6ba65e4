namespace Sluice.Storage;

/// <summary>A producer of the memory store.</summary>
internal sealed class StoredProducer
{
    public long Epoch { get; set; }
    public long Last { get; set; }
    public long LastFrom { get; set; }               // the first number of the last append
    public EntryId? LastId { get; set; }             // the id of that entry
    public byte[] Position { get; set; } = [];
    public DateTimeOffset? ForgetAt { get; set; }
    public DateTimeOffset? QueuedFor { get; set; }   // when the stream looks whether to forget it
}

/// <summary>An open reader of the memory store.</summary>
internal sealed class StoredReader(string name, ReaderOptions options, long[] next)
{
    public string Name => name;
    public ReaderOptions Options => options;
    public long[] Next => next;
    public DateTimeOffset? ExpiresAt { get; private set; }
    public Backlog Backlog;

    public void Use(DateTimeOffset now) => ExpiresAt = now + options.IdleTimeout;

    public ReaderInfo Info() => new(name, options, [.. next], Backlog.Items);
}

/// <summary>A consumer group of the memory store.</summary>
internal sealed class StoredGroup(GroupId id, long number, StoredPartition[] partitions)
{
    public GroupId Id => id;
    public long Number => number;                    // of the store's groups, in the order in which they were made
    public StoredPartition[] Partitions => partitions;
    public SortedDictionary<string, MemberInfo> Members { get; } = new(StringComparer.Ordinal);
    public SortedDictionary<long, StoredDeadLetter> Dead { get; } = [];
    public long LastDead { get; set; }
    public string? QuarantineOwner { get; set; }
    public long QuarantineEpoch { get; set; }
    public DateTimeOffset? PausedAt { get; set; }
    public bool IsDraining { get; set; }
    public Backlog Backlog;

    public GroupInfo Info() => new(
        [.. Members.Values],
        [.. partitions.Select(partition => partition.Info())],
        QuarantineOwner, QuarantineEpoch)
    { PausedAt = PausedAt, IsDraining = IsDraining };
}

/// <summary>An entry that left the order, with copies of its headers and payload, so that its block can be freed.</summary>
internal sealed class StoredRow(Entry entry)
{
    public Entry Entry { get; } = entry;
    public WaitingStatus State { get; set; }
    public WaitingStatus Before { get; set; }         // while in flight: its state after a release
    public bool IsAlone { get; set; }                // in flight in quarantine: a crash is charged to it
    public int Attempts { get; set; }
    public DateTimeOffset? Due { get; set; }
    public string Node { get; set; } = "";
    public string Error { get; set; } = "";
    public string? Damage { get; init; }             // the damage of the entry, whose payload is then its raw bytes
    public long Length => Entry.Headers.Length + Entry.Payload.Length;

    public WaitingEntry Show(bool withPayload) => new(
        withPayload ? Entry : Entry with { Payload = default }, State, Attempts, State == WaitingStatus.Retrying ? Due : null, Node, Error);
}
