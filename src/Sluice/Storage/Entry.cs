namespace Sluice.Storage;

/// <summary>One entry of a partition, as a store returns it. Its memory is never written again.</summary>
public readonly struct Entry
{
    /// <summary>The number in the partition, from one; negative for entries that a group made (<see cref="EntryId.Sequence"/>).</summary>
    public long Sequence { get; init; }

    /// <summary>The generation of the store when it accepted the entry.</summary>
    public int Generation { get; init; }

    /// <summary>The attempt of this lease, from one; zero for a plain read. Shared crashes are not charged.</summary>
    public int Attempt { get; init; }

    /// <summary>The key; <c>default</c> if it has none.</summary>
    public EntryKey Key { get; init; }

    /// <summary>The time when the store accepted it, by the store's clock, which never goes back.</summary>
    public DateTimeOffset Time { get; init; }

    /// <summary>The version of the code that wrote the payload.</summary>
    public int CodeVersion { get; init; }

    /// <summary>The version of the flow (the topology) that the payload was written for.</summary>
    public int FlowVersion { get; init; }

    /// <summary>Data of the layer above (trace context, parents, the node to enter at); mostly empty. Stores do not read it.</summary>
    public ReadOnlyMemory<byte> Headers { get; init; }

    /// <summary>The payload.</summary>
    public ReadOnlyMemory<byte> Payload { get; init; }

    /// <summary>Returns the entry's id.</summary>
    /// <param name="stream">The stream it was read from.</param>
    /// <param name="partition">The partition it was read from.</param>
    public EntryId IdIn(string stream, int partition) => new(Generation, stream, partition, Sequence);

    /// <summary>Returns the id of the item, as <c>ItemContext.Id</c>, logs and traces name it. It is the id of the entry, unless a
    /// group made the entry: an item that was redriven, or put out, keeps its id. All parts of an item have its id, but
    /// for those of a divided list, whose id ends with their range.</summary>
    /// <param name="stream">The stream it was read from.</param>
    /// <param name="partition">The partition it was read from.</param>
    public string ItemIdIn(string stream, int partition)
        => ItemIdHeader.Read(Headers.Span) ?? IdIn(stream, partition).ToString();
}
