namespace Sluice;

/// <summary>
/// One atomic group of an owner's: everything in it is applied, or nothing. Entries that it names must be outstanding (dispatched
/// and not ended), each ends once. It never waits, and never fails for want of room.
/// </summary>
/// <param name="Owner">The partition, and the epoch under which the group counts.</param>
/// <param name="Sequence">
/// The last applied commit of the partition plus one. A repetition of the last one, after a lost reply, is answered with its result.
/// </param>
public sealed record StoreCommit(Ownership Owner, long Sequence)
{
    /// <summary>The most parts (<see cref="Items"/>) of one commit.</summary>
    public const int MaxItems = 1000;

    /// <summary>The most bytes (<see cref="Bytes"/>) of one commit that has more than one part.</summary>
    public const int MaxBytes = 1 << 20;

    /// <summary>What is completely processed, or dead: it leaves the group.</summary>
    public IReadOnlyList<SequenceRange> Settled { get; init; } = [];

    /// <summary>What is to be tried again later, or parked; also of entries that wait already.</summary>
    public IReadOnlyList<Deferral> Deferred { get; init; } = [];

    /// <summary>Dead letters. The root of one that ends by it stands in <see cref="Settled"/> as well.</summary>
    public IReadOnlyList<Burial> Dead { get; init; } = [];

    /// <summary>Entries for streams. They overshoot the bounds if they must.</summary>
    public IReadOnlyList<CommitOutput> Outputs { get; init; } = [];

    /// <summary>
    /// New entries of this group in this partition, seen by no other: what a node emitted that holds or combines entries, and failed. They
    /// get negative sequences and are leased at once, like retries. Null for none.
    /// </summary>
    public EntryBatch? Derived { get; init; }

    /// <summary>Rows of the nodes' state in this partition; of several for one key the last counts.</summary>
    public IReadOnlyList<StateRow> State { get; init; } = [];

    /// <summary>Committed lengths of files.</summary>
    public IReadOnlyList<FileLength> FileLengths { get; init; } = [];

    /// <summary>Readers that are opened, unless they are open.</summary>
    public IReadOnlyList<ReaderOpening> Readers { get; init; } = [];

    /// <summary>Cursors of readers that are moved; never back.</summary>
    public IReadOnlyList<CursorMove> Cursors { get; init; } = [];

    /// <summary>Counters of batches that change.</summary>
    public IReadOnlyList<BatchChange> Batches { get; init; } = [];

    /// <summary>Streams that are completed or failed, after the outputs.</summary>
    public IReadOnlyList<StreamEnding> Ends { get; init; } = [];

    /// <summary>How many parts are written: outputs, derived entries, dead letters, deferrals, rows of state. What is settled is free.</summary>
    public int Items => Outputs.Sum(output => output.Entries.Count) + (Derived?.Count ?? 0) + Dead.Count + Deferred.Count + State.Count;

    /// <summary>Their payloads and headers, in bytes; for rows of state, the values.</summary>
    public long Bytes => Outputs.Sum(output => output.Entries.Bytes) + (Derived?.Bytes ?? 0)
        + Dead.Sum(letter => (letter.Payload?.Length ?? 0L) + (letter.Headers?.Length ?? 0L)) + State.Sum(row => row.Value?.Length ?? 0L);

    /// <summary>Checks the limits. Stores call it first; callers may, to divide what is too large.</summary>
    /// <exception cref="StreamStoreException">More than <see cref="MaxItems"/>, or than <see cref="MaxBytes"/> in several parts.</exception>
    public void Check()
    {
        int items = Items;
        long bytes = items > 1 ? Bytes : 0;
        if (items <= MaxItems && bytes <= MaxBytes) return;
        throw new StreamStoreException(
            $"A commit of {Owner} has {items:N0} parts with {bytes:N0} bytes; the limits are {MaxItems:N0} and {MaxBytes:N0}. Settle fewer entries "
            + "at a time; an entry that becomes more than that by itself must publish its outputs by reference.")
        { Stream = Owner.Group.Stream, Partition = Owner.Partition };
    }
}

/// <summary>What became of a commit.</summary>
public enum CommitStatus
{
    /// <summary>Applied, and as durable as the store; also the answer to a repetition of the last applied one.</summary>
    Committed,

    /// <summary>Void: the partition was taken since, or a later commit was applied. Drop everything about the partition.</summary>
    Stale,

    /// <summary>Void: its number is beyond the next one; an earlier commit is missing.</summary>
    Gap,

    /// <summary>Void: an entry in it is not outstanding. The rest of the group was not applied either.</summary>
    NotOutstanding,

    /// <summary>Void: a stream that it appends to has ended.</summary>
    OutputEnded,
}

/// <summary>The answer to a commit.</summary>
/// <param name="Status">What became of it. Unless Committed, nothing of it was applied and no number consumed.</param>
/// <param name="Detail">Why it is void, for people; null if it was applied.</param>
public sealed record CommitResult(CommitStatus Status, string? Detail = null);
