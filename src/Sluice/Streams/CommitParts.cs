namespace Sluice;

/// <summary>Sequences from one to another, both included.</summary>
/// <param name="First">The first.</param>
/// <param name="Last">The last; not below the first.</param>
public readonly record struct SequenceRange(long First, long Last)
{
    /// <summary>How many.</summary>
    public long Count => Last - First + 1;
}

/// <summary>An entry that is to be tried again later, or parked. It gets a row of its own, with its payload, and leaves the order.</summary>
/// <param name="Sequence">The entry.</param>
/// <param name="Attempts">How many attempts are charged to it now; its next lease says this plus one.</param>
/// <param name="After">When to lease it again, from the store's present time; null parks it. Not negative.</param>
/// <param name="Node">Where it failed; empty if it did not.</param>
/// <param name="Error">Why it failed or is parked, for people; stores keep the first 4,000 characters.</param>
public sealed record RetryWrite(long Sequence, int Attempts, TimeSpan? After, string Node = "", string Error = "");

/// <summary>A dead letter in the making.</summary>
/// <param name="Sequence">The outstanding entry that died, or whose part did.</param>
/// <param name="Node">Where it failed.</param>
/// <param name="Error">Why, for people; stores keep the first 4,000 characters.</param>
/// <param name="Attempts">How many attempts it had.</param>
public sealed record DeadLetterWrite(long Sequence, string Node, string Error, int Attempts)
{
    /// <summary>What the failing node was given, so that it can be given it again; null keeps the payload of the entry itself.</summary>
    public ReadOnlyMemory<byte>? Payload { get; init; }

    /// <summary>
    /// The headers that a redriven entry will have: where to enter, whose child it is, the id that effects outside know it by; null keeps
    /// those of the entry itself.
    /// </summary>
    public ReadOnlyMemory<byte>? Headers { get; init; }

    /// <summary>
    /// Whether the entry cannot be read (<see cref="LeaseResult.Damaged"/>): the letter has the payload and the headers that are given here, no key, and the present time, whatever the store still has of the entry.
    /// </summary>
    public bool IsDamaged { get; init; }

    /// <summary>The path through the graph that led there, for people; empty if it is not known.</summary>
    public string Path { get; init; } = "";
}

/// <summary>Entries that a commit appends.</summary>
/// <param name="Stream">The stream; any that is open, the owner's own as well.</param>
/// <param name="Entries">Copied before the commit's task completes.</param>
public sealed record CommitOutput(string Stream, EntryBatch Entries)
{
    /// <summary>How many reserved places of the owner's are given back (<see cref="IStreamStore.ReserveAsync"/>).</summary>
    public long ReservedItems { get; init; }

    /// <summary>How many reserved bytes of the owner's are given back.</summary>
    public long ReservedBytes { get; init; }

    /// <summary>How many partitions the stream has, as far as the caller knows: entries with keys may each go to another one, which is work for a store (<see cref="StoreCommit.Weight"/>). One by default; a store may refuse what proves to be more than a commit holds.</summary>
    public int Partitions { get; init; } = 1;

    /// <summary>To how many partitions the entries go at most.</summary>
    public int Spread => Entries.HasKeys ? Math.Min(Entries.Count, Partitions) : Math.Min(Entries.Count, 1);
}

/// <summary>A row of a node's state, in a partition of a group.</summary>
/// <param name="Node">The node.</param>
/// <param name="Key">The key, or empty for the state of the partition. Without the character zero.</param>
/// <param name="Version">The version of the value's form.</param>
/// <param name="Value">The value; null, in a commit, removes the row.</param>
public sealed record StateRow(string Node, string Key, int Version, ReadOnlyMemory<byte>? Value);

/// <summary>A node that has rows of state in a partition.</summary>
/// <param name="Node">Its name.</param>
/// <param name="Rows">How many rows; null where they were not counted.</param>
public sealed record StateNodeInfo(string Node, long? Rows);

/// <summary>The committed length of a file.</summary>
/// <param name="Name">What the sink calls the file.</param>
/// <param name="Length">In bytes; -1 forgets the file.</param>
public readonly record struct FileLength(string Name, long Length);

/// <summary>A reader that a commit opens; nothing happens if it is open.</summary>
/// <param name="Stream">The stream.</param>
/// <param name="Reader">The reader's name.</param>
/// <param name="Options">How.</param>
public sealed record OpenReader(string Stream, string Reader, ReaderOptions Options);

/// <summary>A cursor that a commit moves.</summary>
/// <param name="Stream">The stream.</param>
/// <param name="Reader">The reader; nothing happens if it is not open.</param>
/// <param name="Partition">The partition, from zero.</param>
/// <param name="Next">The sequence it has not read yet; lower than before changes nothing.</param>
public sealed record CursorCommit(string Stream, string Reader, int Partition, long Next);

/// <summary>A stream that a commit ends; nothing happens if it has ended.</summary>
/// <param name="Stream">The stream.</param>
/// <param name="End">How.</param>
public sealed record EndStream(string Stream, StreamEnd End);

/// <summary>
/// Something that only stores of one kind can write, in the same transaction as a commit: rows of a table of the user's in the store's database, for
/// example. Written once, with the commit; a store that does not know it refuses the commit.
/// </summary>
public interface ICommitAttachment
{
    /// <summary>Which stores can write it, for the error of one that cannot; for example <c>a SQLite store</c>.</summary>
    string WrittenBy { get; }
}
