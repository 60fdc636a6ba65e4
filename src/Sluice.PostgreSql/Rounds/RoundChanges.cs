namespace Sluice.PostgreSql;

/// <summary>What a round wakes: callers that wait for a stream, or for entries of some partitions.</summary>
internal sealed class RoundChanges
{
    private readonly Dictionary<string, HashSet<int>?> streams = new(StringComparer.Ordinal);

    public bool IsEmpty => streams.Count == 0;

    /// <summary>The streams, with the partitions that may give entries; null for all, empty if only room was made.</summary>
    public IReadOnlyDictionary<string, HashSet<int>?> Streams => streams;

    /// <summary>Everything of a stream may have changed.</summary>
    public void Add(string stream) => streams[stream] = null;

    public void AddRoom(string stream) => streams.TryAdd(stream, []);

    public void AddEntries(string stream, int partition)
    {
        AddRoom(stream);
        streams[stream]?.Add(partition);
    }
}

/// <summary>Rows that a round adds, and that no other call of the round reads without saving them first.</summary>
internal sealed class RoundRows
{
    public Dictionary<(OwnedRow Owned, long Sequence), WaitingRow> Waiting { get; } = [];
    public List<(long Group, StoredDeadLetter Letter, byte[] Body)> Dead { get; } = [];
    public Dictionary<(long Group, int Partition, string Node, string Key), StateRow> State { get; } = [];
    public Dictionary<(long Group, int Partition, string Name), long> Files { get; } = [];
    public Dictionary<(long Reader, int Partition), long> Cursors { get; } = [];
    public List<(OwnedRow Owned, long Stream, long Items, long Bytes)> Reserved { get; } = [];

    /// <summary>Rows of the intake whose entries this round appends, or cannot read.</summary>
    public List<IntakeRow> Intake { get; } = [];

    /// <summary>Partitions to trim at the end.</summary>
    public HashSet<(long Stream, int Partition)> Trims { get; } = [];

    /// <summary>Batches whose counter is complete, and so removed.</summary>
    public HashSet<string> EndedBatches { get; } = new(StringComparer.Ordinal);
}
