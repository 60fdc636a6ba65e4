namespace Sluice.Producers;

/// <summary>A source's pump that can resume from a stored position.</summary>
internal interface IResumablePump
{
    /// <summary>The producer's name.</summary>
    string Name { get; }

    /// <summary>The kind of producer, for people. Stored with the position: other kinds cannot read it.</summary>
    string Kind { get; }

    /// <summary>Takes what one run at a time may use. Called before the producer is opened in the store, and so before an earlier run of
    /// it is superseded.</summary>
    /// <returns>Gives back what the pump has not used; null if there is nothing to take. To dispose at the end of the run.</returns>
    IDisposable? Claim() => null;

    /// <summary>Sets the position to resume from. Called once, before the pump starts, and only if positions are stored.</summary>
    /// <param name="position">The position; empty for the beginning.</param>
    /// <param name="parts">How many parts of the item behind the position were accepted. If it is positive, that item is made
    /// again.</param>
    void Resume(ReadOnlyMemory<byte> position, long parts);

    /// <summary>
    /// The position from which this item would be produced again. Called with numbers of items that have not ended, in any order, because
    /// an append may be tried again with fewer items; any thread.
    /// </summary>
    ReadOnlyMemory<byte> PositionBefore(long sequence);

    /// <summary>The position before an item whose last accepted part has this checksum; the pump may store it.</summary>
    ReadOnlyMemory<byte> PositionWith(long sequence, uint sum) => PositionBefore(sequence);

    /// <summary>The checksum of the last part that was accepted by earlier runs; null if none is stored.</summary>
    uint? AcceptedSum => null;

    /// <summary>The number of items that earlier runs have sent; null if the pump does not count.</summary>
    long? SentBefore => null;

    /// <summary>
    /// The position behind this item, all of which was accepted; null if the pump does not tell it. Called like
    /// <see cref="PositionBefore"/>.
    /// </summary>
    ReadOnlyMemory<byte>? PositionBehind(long sequence) => null;

    /// <summary>
    /// Sets the function that stores a position without an item, once everything before it was accepted. Called with <see cref="Resume"/>.
    /// </summary>
    void MarkWith(Func<ReadOnlyMemory<byte>, Task> markAsync) { }

    /// <summary>Called with each position that the store has, in order, by one thread at a time: of an append or a mark.</summary>
    void Stored(ReadOnlyMemory<byte> position) { }

    /// <summary>
    /// Sets the function that stores bytes that are no valid item: the bytes, the reason, and a position, once everything before it was
    /// accepted. Called with <see cref="Resume"/>.
    /// </summary>
    void BuryWith(Func<ReadOnlyMemory<byte>, string, ReadOnlyMemory<byte>, Task> buryAsync) { }
}
