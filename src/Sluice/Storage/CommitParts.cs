namespace Sluice.Storage;

/// <summary>A range of sequences, both ends included.</summary>
/// <param name="First">The first sequence.</param>
/// <param name="Last">The last sequence; not below the first.</param>
public readonly record struct SequenceRange(long First, long Last)
{
    /// <summary>The number of sequences.</summary>
    public long Count => Last - First + 1;
}

/// <summary>
/// A deferral: the entry is tried again later, or parked. The store moves it out of the order, into a row with its payload.
/// </summary>
/// <param name="Sequence">The entry's sequence.</param>
/// <param name="Attempts">The number of attempts charged to it; its next lease shows this plus one.</param>
/// <param name="After">The delay until its next lease, from the store's present time: zero or more, at most 36,500 days; null parks
/// it.</param>
/// <param name="Node">The node where it failed; empty if it did not fail.</param>
/// <param name="Error">
/// The reason, as text; stores keep the first 4,000 characters, with U+FFFD for zero characters and halves of surrogate pairs.
/// </param>
public sealed record RetryWrite(long Sequence, int Attempts, TimeSpan? After, string Node = "", string Error = "");

/// <summary>A dead letter that a commit writes.</summary>
/// <param name="Sequence">The outstanding entry that failed for good, itself or a part of it.</param>
/// <param name="Node">The node where it failed.</param>
/// <param name="Error">
/// The reason, as text; stores keep the first 4,000 characters, with U+FFFD for zero characters and halves of surrogate pairs.
/// </param>
/// <param name="Attempts">The number of its attempts.</param>
public sealed record DeadLetterWrite(long Sequence, string Node, string Error, int Attempts)
{
    /// <summary>The input of the failing node, for a later redrive; null keeps the payload of the entry itself.</summary>
    public ReadOnlyMemory<byte>? Payload { get; init; }

    /// <summary>
    /// The headers of the redriven entry: the node to enter at, its parent, its id for effects outside the store. Null keeps the headers of
    /// the entry itself.
    /// </summary>
    public ReadOnlyMemory<byte>? Headers { get; init; }

    /// <summary>
    /// Whether the entry is damaged (<see cref="LeaseResult.Damaged"/>). Then the letter has the payload and headers given here, no key,
    /// and the present time, independent of the stored entry.
    /// </summary>
    public bool IsDamaged { get; init; }

    /// <summary>The entry's path through the graph, as text; empty if unknown.</summary>
    public string Path { get; init; } = "";
}

/// <summary>Entries that a commit appends to a stream.</summary>
/// <param name="Stream">The stream; any open one, also the owner's own.</param>
/// <param name="Entries">The entries. The store copies them before the commit's task completes.</param>
public sealed record CommitOutput(string Stream, EntryBatch Entries)
{
    /// <summary>The number of the owner's reserved entries that this output uses up (<see cref="IStreamStore.ReserveAsync"/>).</summary>
    public long ReservedItems { get; init; }

    /// <summary>The number of the owner's reserved bytes that this output uses up.</summary>
    public long ReservedBytes { get; init; }

    /// <summary>
    /// The number of partitions of the stream, as far as the caller knows; one by default. Each partition that entries go to is work for a
    /// store (<see cref="StoreCommit.Weight"/>). A store may refuse a commit that proves too large.
    /// </summary>
    public int Partitions { get; init; } = 1;

    /// <summary>The maximum number of partitions that the entries go to.</summary>
    public int Spread => Entries.HasKeys ? Math.Min(Entries.Count, Partitions) : Math.Min(Entries.Count, 1);
}

/// <summary>A row of a node's state, in a partition of a group.</summary>
/// <param name="Node">The node.</param>
/// <param name="Key">The key, or empty for the state of the partition. It contains no zero character.</param>
/// <param name="Version">The version of the value's format.</param>
/// <param name="Value">The value; null in a commit removes the row.</param>
public sealed record StateRow(string Node, string Key, int Version, ReadOnlyMemory<byte>? Value);

/// <summary>A node that has rows of state in a partition.</summary>
/// <param name="Node">The node's name.</param>
/// <param name="Rows">The number of rows; null if they were not counted.</param>
public sealed record StateNodeInfo(string Node, long? Rows);

/// <summary>The committed length of a file.</summary>
/// <param name="Name">The name that the sink gives the file.</param>
/// <param name="Length">The length in bytes; -1 forgets the file.</param>
public readonly record struct FileLength(string Name, long Length);

/// <summary>A reader that a commit opens. Does nothing if the reader is open.</summary>
/// <param name="Stream">The stream.</param>
/// <param name="Reader">The reader's name.</param>
/// <param name="Options">The reader's options.</param>
public sealed record OpenReader(string Stream, string Reader, ReaderOptions Options);

/// <summary>A cursor that a commit moves.</summary>
/// <param name="Stream">The stream.</param>
/// <param name="Reader">The reader. Nothing happens if it is not open.</param>
/// <param name="Partition">The partition, from zero.</param>
/// <param name="Next">The next sequence to read; a lower one than before changes nothing.</param>
public sealed record CursorCommit(string Stream, string Reader, int Partition, long Next);

/// <summary>A stream that a commit ends. Does nothing if the stream has ended.</summary>
/// <param name="Stream">The stream.</param>
/// <param name="End">The end: completed or failed.</param>
public sealed record EndStream(string Stream, StreamEnd End);

/// <summary>
/// A write that only one kind of store supports, in the transaction of a commit: for example, rows of your table in the store's database.
/// It is executed exactly once, with the commit. Other stores refuse the commit.
/// </summary>
public interface ICommitAttachment
{
    /// <summary>The kind of store that can write it, for the error of other stores; for example <c>a SQLite store</c>.</summary>
    string WrittenBy { get; }
}
