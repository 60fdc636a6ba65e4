namespace Sluice.PostgreSql;

/// <summary>
/// The rows that the calls of a round name in advance. Streams must be named: they are locked together, in the order of their ids, before
/// anything else. The rest is only read ahead, in the same round trip.
/// </summary>
internal sealed class Needs
{
    private const int MaxKnown = 16;                 // streams; more are locked in one statement after all

    public HashSet<string> Streams { get; } = new(StringComparer.Ordinal);
    public HashSet<(string Stream, int Number)> Parts { get; } = [];
    public HashSet<(GroupId Group, int Number)> Owned { get; } = [];
    public HashSet<(GroupId Group, int Number)> Holdings { get; } = [];
    public HashSet<(string Stream, string Producer)> Producers { get; } = [];
    public SortedSet<string> Batches { get; } = new(StringComparer.Ordinal);

    /// <summary>The number of functions of items, which need the client's object of the transaction.</summary>
    public int Functions { get; set; }

    /// <summary>Whether statements of the application run in the round: the settings of the transaction hold for them, too.</summary>
    public bool HasOtherStatements { get; set; }

    /// <summary>
    /// Whether the rows in memory are those that are stored when the call has run: it changes nothing by statements of its own.
    /// </summary>
    public bool KeepsRows { get; set; }

    /// <summary>Whether the round may begin without reading, if it knows the rows of its streams.</summary>
    public bool MayKnow => KeepsRows && !HasOtherStatements && Batches.Count == 0 && Streams.Count is > 0 and <= MaxKnown;

    /// <summary>The bytes that the calls write, roughly.</summary>
    public long Bytes { get; set; }

    /// <summary>A stream, and the partitions that entries go to.</summary>
    /// <param name="stream">The stream.</param>
    /// <param name="entries">The entries.</param>
    /// <param name="partitions">The number of partitions of the stream; zero if it is not known here.</param>
    public void Append(string stream, EntryBatch entries, int partitions)
    {
        Streams.Add(stream);
        Bytes += entries.Bytes;
        if (!entries.HasKeys) Parts.Add((stream, -1));
        else if (partitions > 0)
            for (int i = 0; i < entries.Count; i++)
                Parts.Add((stream, entries.KeyAt(i) is { Exists: true } key ? key.PartitionOf(partitions) : -1));
    }

    public void Partition(GroupId group, int number)
    {
        Streams.Add(group.Stream);
        Owned.Add((group, number));
        Parts.Add((group.Stream, number));
    }

    /// <summary>A partition that is taken or given back: its files and reservations are read, too.</summary>
    public void Held(GroupId group, int number)
    {
        Partition(group, number);
        Holdings.Add((group, number));
    }

    public void Count(IReadOnlyList<BatchChange> changes)
    {
        foreach (BatchChange change in changes)
        {
            Batches.Add(change.Batch);
            Streams.UnionWith(change.MarkerStreams);
        }
    }

    public void Add(Needs other)
    {
        Streams.UnionWith(other.Streams);
        Parts.UnionWith(other.Parts);
        Owned.UnionWith(other.Owned);
        Holdings.UnionWith(other.Holdings);
        Producers.UnionWith(other.Producers);
        Batches.UnionWith(other.Batches);
        Functions += other.Functions;
        HasOtherStatements |= other.HasOtherStatements;
        KeepsRows &= other.KeepsRows;
        Bytes += other.Bytes;
    }
}
