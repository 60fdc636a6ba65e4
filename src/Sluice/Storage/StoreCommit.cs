namespace Sluice.Storage;

/// <summary>
/// A commit of a partition's owner: the store applies all of it, or nothing. The entries that it names must be outstanding (dispatched and
/// not ended); each ends once. A commit never waits and never fails for lack of room.
/// </summary>
/// <param name="Owner">The partition, and the epoch of its owner.</param>
/// <param name="Sequence">
/// The partition's last applied commit plus one. A repetition of the last commit, after a lost reply, gets its result again.
/// </param>
public sealed record StoreCommit(Ownership Owner, long Sequence)
{
    /// <summary>The longest time that a store adds to its own.</summary>
    internal static readonly TimeSpan MaxWait = TimeSpan.FromDays(36_500);

    /// <summary>
    /// Whether the commit may give its partition entries to lease: freed, deferred or derived ones. If not, it does not wake callers that
    /// wait for entries of the partition.
    /// </summary>
    public bool GivesEntries => Deferred.Count > 0 || Derived is { Count: > 0 };

    /// <summary>The maximum number of parts of one commit, and its maximum <see cref="Weight"/>.</summary>
    public const int MaxItems = 1000;

    /// <summary>
    /// The maximum <see cref="Bytes"/> of a commit with several parts. A single part may be longer; rows of state beside it are limited by
    /// themselves.
    /// </summary>
    public const int MaxBytes = 1 << 20;

    /// <summary>The entries that leave the group: completely processed, or dead.</summary>
    public IReadOnlyList<SequenceRange> Settled { get; init; } = [];

    /// <summary>The entries to try again later or to park; waiting entries too.</summary>
    public IReadOnlyList<RetryWrite> Deferred { get; init; } = [];

    /// <summary>The dead letters. If the root ends with its letter, it is in <see cref="Settled"/> as well.</summary>
    public IReadOnlyList<DeadLetterWrite> Dead { get; init; } = [];

    /// <summary>The entries for streams. They may exceed the bounds of the streams.</summary>
    public IReadOnlyList<CommitOutput> Outputs { get; init; } = [];

    /// <summary>
    /// New entries of this group and partition, invisible to other groups: the emissions of a node that holds or combines entries, which
    /// failed later. They get negative sequences and can be leased at once, like retries. Null for none.
    /// </summary>
    public EntryBatch? Derived { get; init; }

    /// <summary>Rows of the nodes' state in this partition. Of several rows for one key, the last counts.</summary>
    public IReadOnlyList<StateRow> State { get; init; } = [];

    /// <summary>Committed lengths of files.</summary>
    public IReadOnlyList<FileLength> FileLengths { get; init; } = [];

    /// <summary>Readers to open, unless they are open.</summary>
    public IReadOnlyList<OpenReader> Readers { get; init; } = [];

    /// <summary>Cursors of readers to move forward.</summary>
    public IReadOnlyList<CursorCommit> Cursors { get; init; } = [];

    /// <summary>The changes of batch counters.</summary>
    public IReadOnlyList<BatchChange> Batches { get; init; } = [];

    /// <summary>Streams to end after the outputs are appended.</summary>
    public IReadOnlyList<EndStream> Ends { get; init; } = [];

    /// <summary>Writes that only this kind of store supports, in the same transaction. They do not count against the limits.</summary>
    public IReadOnlyList<ICommitAttachment> Attachments { get; init; } = [];

    /// <summary>
    /// Whether the store must make the commit durable before it answers. Set it where a second start does harm. It is always true for
    /// commits that others can see: outputs, letters, deferrals, file lengths, readers, cursors, batches, ends, attachments.
    /// </summary>
    /// <remarks>
    /// A commit that only settles and changes state may be lost in a power failure: its entries are then processed again from the state
    /// before it.
    /// </remarks>
    public bool MustLast
    {
        get => field || Outputs.Count + Deferred.Count + Dead.Count + FileLengths.Count + Readers.Count + Cursors.Count + Batches.Count
            + Ends.Count + Attachments.Count > 0
            || Derived is { Count: > 0 };
        init;
    }

    /// <summary>The number of parts: outputs, derived entries, dead letters, deferrals, rows of state.</summary>
    public int Items => Outputs.Sum(output => output.Entries.Count) + (Derived?.Count ?? 0) + Dead.Count + Deferred.Count + State.Count;

    /// <summary>The size of payloads and headers, in bytes; for rows of state, of the values.</summary>
    public long Bytes => Outputs.Sum(output => output.Entries.Bytes) + (Derived?.Bytes ?? 0)
        + Dead.Sum(letter => (letter.Payload?.Length ?? 0L) + (letter.Headers?.Length ?? 0L)) + State.Sum(row => row.Value?.Length ?? 0L);

    /// <summary>
    /// The work that the commit is for a store, in parts (<see cref="Items"/>). Bounded, because a store executes a commit in one step, and
    /// other callers wait.
    /// </summary>
    /// <remarks>
    /// A deferral or a dead letter counts four. A settled range counts four; the first one is free, and neighbouring entries are one range.
    /// A hundred of the remaining units are free: readers and ends count one, partitions of outputs (<see cref="CommitOutput.Spread"/>),
    /// file lengths and cursors two, batches three, and markers of batches sixteen.
    /// </remarks>
    public int Weight => Items + ((WeightOfRange - 1) * (Deferred.Count + Dead.Count)) + (WeightOfRange * Math.Max(0, Settled.Count - 1))
        + Math.Max(0, Rest - MaxFree);

    private int Rest => Readers.Count + Ends.Count + (2 * (Outputs.Sum(output => output.Spread) + FileLengths.Count + Cursors.Count))
        + (3 * Batches.Count) + (16 * Batches.Sum(batch => batch.MarkerStreams.Count));

    /// <summary>Whether the commit is within the limits.</summary>
    internal bool Fits => Weight <= MaxItems && LimitedBytes <= MaxBytes;

    /// <summary>The weight of a settled range, a deferral or a dead letter.</summary>
    internal const int WeightOfRange = 4;

    private const int MaxFree = 100;

    // A single part may have any length; rows of state beside it are limited on their own.
    private long LimitedBytes => Items - State.Count > 1 ? Bytes : Items > 1 ? State.Sum(row => row.Value?.Length ?? 0L) : 0;

    /// <summary>
    /// Validates the limits, and everything else that needs no store. Stores call it first; callers may use it to split a large commit.
    /// </summary>
    /// <exception cref="StreamStoreException">
    /// The <see cref="Weight"/> is above <see cref="MaxItems"/>, or several parts have more than <see cref="MaxBytes"/>.
    /// </exception>
    /// <exception cref="ArgumentException">The commit is invalid; the message says why.</exception>
    public void Check()
    {
        foreach (SequenceRange range in Settled)
            if (range.First > range.Last) throw new ArgumentException($"A commit of {Owner} settles from {range.First} to {range.Last}.");
        foreach (RetryWrite deferral in Deferred)
            if (deferral.Attempts < 0 || deferral.After < TimeSpan.Zero || deferral.After > MaxWait)
                throw new ArgumentException(
                    $"A commit of {Owner} defers {deferral.Sequence} with {deferral.Attempts} attempts, by {deferral.After}: zero or more "
                    + "each, and at most 36,500 days.");
        foreach (BatchChange change in Batches) change.Check();
        foreach (OpenReader reader in Readers)
        {
            StreamNames.Check(reader.Reader);
            reader.Options.Check();
        }

        if (Fits) return;
        throw new StreamStoreException(
            $"A commit of {Owner} has {Items:N0} parts and {Settled.Count:N0} settled ranges, "
                + $"for {Outputs.Sum(output => output.Spread):N0} partitions of other streams: a weight of {Weight:N0}, "
                + $"with {LimitedBytes:N0} bytes; the limits of weight and bytes are {MaxItems:N0} and {MaxBytes:N0}. Settle fewer entries "
            + "at a time; an entry that becomes more than that by itself must publish its outputs by reference.")
        { Stream = Owner.Group.Stream, Partition = Owner.Partition, IsPermanent = true };
    }

    /// <summary>Refuses an attachment. A store calls it for an attachment that it cannot write, before it writes anything.</summary>
    /// <exception cref="StreamStoreException">Always. It is permanent, and names no partition: the refusal concerns the store.</exception>
    public void Refuse(ICommitAttachment attachment)
    {
        ArgumentNullException.ThrowIfNull(attachment);
        throw new StreamStoreException(
            $"A commit of {Owner} brings a {attachment.GetType().Name}, which only {attachment.WrittenBy} can write in its transaction; "
                + $"this store cannot. "
            + "Nothing was applied. Use that store, or a sink that is repeatable by itself.")
        { IsPermanent = true };                      // without a partition: its consumer would run its items again
    }

    /// <summary>
    /// Finds an entry that voids this commit: it is not outstanding, or ends or is deferred twice. All stores use it. It asks for ranges,
    /// so that a store can answer without a look at each entry.
    /// </summary>
    /// <param name="areOutstanding">Whether all entries of a range are outstanding.</param>
    /// <returns>The sequence of such an entry; null if there is none.</returns>
    public long? FindNotOutstanding(Func<SequenceRange, bool> areOutstanding)
    {
        ArgumentNullException.ThrowIfNull(areOutstanding);
        SequenceRange[] settled = [.. Settled.OrderBy(range => range.First)];
        for (int i = 1; i < settled.Length; i++) if (settled[i].First <= settled[i - 1].Last) return settled[i].First;
        foreach (SequenceRange range in settled) if (!areOutstanding(range)) return range.First;
        HashSet<long> deferred = [];
        foreach (RetryWrite deferral in Deferred)
            if (!areOutstanding(new(deferral.Sequence, deferral.Sequence)) || !deferred.Add(deferral.Sequence)
                || IsSettled(deferral.Sequence)) return deferral.Sequence;
        foreach (DeadLetterWrite letter in Dead) if (!areOutstanding(new(letter.Sequence, letter.Sequence))) return letter.Sequence;
        return null;

        // Binary search: the ranges are sorted and disjoint.
        bool IsSettled(long sequence)
        {
            int low = 0, high = settled.Length;
            while (low < high)
            {
                int middle = (low + high) / 2;
                if (settled[middle].First <= sequence) low = middle + 1;
                else high = middle;
            }
            return low > 0 && settled[low - 1].Last >= sequence;
        }
    }
}

/// <summary>The outcome of a commit.</summary>
public enum CommitStatus
{
    /// <summary>Applied, and as durable as the store; also the answer to a repetition of the last applied one.</summary>
    Committed,

    /// <summary>Void: the partition was acquired since, or a later commit was applied. Drop the state of the partition.</summary>
    Stale,

    /// <summary>Void: its number is above the next one; an earlier commit is missing.</summary>
    Gap,

    /// <summary>Void: an entry in it is not outstanding. Nothing else was applied either.</summary>
    NotOutstanding,

    /// <summary>Void: a stream that it appends to has ended.</summary>
    OutputEnded,
}

/// <summary>The answer to a commit.</summary>
/// <param name="Status">The outcome. Unless it is Committed, nothing was applied and no number consumed.</param>
/// <param name="Detail">The reason why the commit is void, as text; null if it was applied.</param>
public sealed record CommitResult(CommitStatus Status, string? Detail = null);
