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
    /// <summary>Whether this commit may give its partition something to lease: entries that are freed or tried again, or derived ones. If not, it does not wake callers that wait for entries of that partition.</summary>
    public bool GivesEntries => Deferred.Count > 0 || Derived is { Count: > 0 };

    /// <summary>The most parts of one commit, and its largest <see cref="Weight"/>.</summary>
    public const int MaxItems = 1000;

    /// <summary>The most bytes (<see cref="Bytes"/>) of one commit that has more than one part; rows of state beside one part are none, if they are no longer themselves.</summary>
    public const int MaxBytes = 1 << 20;

    /// <summary>What is completely processed, or dead: it leaves the group.</summary>
    public IReadOnlyList<SequenceRange> Settled { get; init; } = [];

    /// <summary>What is to be tried again later, or parked; also of entries that wait already.</summary>
    public IReadOnlyList<RetryWrite> Deferred { get; init; } = [];

    /// <summary>Dead letters. The root of one that ends by it stands in <see cref="Settled"/> as well.</summary>
    public IReadOnlyList<DeadLetterWrite> Dead { get; init; } = [];

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
    public IReadOnlyList<OpenReader> Readers { get; init; } = [];

    /// <summary>Cursors of readers that are moved; never back.</summary>
    public IReadOnlyList<CursorCommit> Cursors { get; init; } = [];

    /// <summary>Counters of batches that change.</summary>
    public IReadOnlyList<BatchChange> Batches { get; init; } = [];

    /// <summary>Streams that are completed or failed, after the outputs.</summary>
    public IReadOnlyList<EndStream> Ends { get; init; } = [];

    /// <summary>What only this kind of store can write, in the same transaction. It does not count for the limits.</summary>
    public IReadOnlyList<ICommitAttachment> Attachments { get; init; } = [];

    /// <summary>
    /// Whether it must be as durable as the store is before it is answered. If it only settles, and changes state, it need not: undone by a power failure, its entries are
    /// processed again, from the state before it, and nobody has been told anything else. All other parts show outside: outputs and letters have numbers,
    /// attempts and lengths are compared with what others have stored. Set it where nothing may be started twice.
    /// </summary>
    public bool MustLast
    {
        get => field || Outputs.Count + Deferred.Count + Dead.Count + FileLengths.Count + Readers.Count + Cursors.Count + Batches.Count + Ends.Count + Attachments.Count > 0
            || Derived is { Count: > 0 };
        init;
    }

    /// <summary>How many parts are written: outputs, derived entries, dead letters, deferrals, rows of state.</summary>
    public int Items => Outputs.Sum(output => output.Entries.Count) + (Derived?.Count ?? 0) + Dead.Count + Deferred.Count + State.Count;

    /// <summary>Their payloads and headers, in bytes; for rows of state, the values.</summary>
    public long Bytes => Outputs.Sum(output => output.Entries.Bytes) + (Derived?.Bytes ?? 0)
        + Dead.Sum(letter => (letter.Payload?.Length ?? 0L) + (letter.Headers?.Length ?? 0L)) + State.Sum(row => row.Value?.Length ?? 0L);

    /// <summary>
    /// How much work the commit is for a store, in parts (<see cref="Items"/>). A deferral or a dead letter counts four times. A settled range counts four times, and the first one is free: neighbours are one range, however many they are.
    /// The rest (readers and ends count once, partitions of outputs (<see cref="CommitOutput.Spread"/>), lengths of files and cursors twice, batches three times, and markers of batches sixteen times) is free up to a hundred.
    /// A store does a commit in one step, and nobody else is served meanwhile.
    /// </summary>
    public int Weight => Items + ((WeightOfRange - 1) * (Deferred.Count + Dead.Count)) + (WeightOfRange * Math.Max(0, Settled.Count - 1)) + Math.Max(0, Rest - MaxFree);

    private int Rest => Readers.Count + Ends.Count + (2 * (Outputs.Sum(output => output.Spread) + FileLengths.Count + Cursors.Count)) + (3 * Batches.Count) + (16 * Batches.Sum(batch => batch.MarkerStreams.Count));

    /// <summary>Whether it is within the limits.</summary>
    internal bool Fits => Weight <= MaxItems && LimitedBytes <= MaxBytes;

    /// <summary>What a settled range, a deferral or a dead letter adds to the weight.</summary>
    internal const int WeightOfRange = 4;

    private const int MaxFree = 100;

    // A single part may be of any length, and rows of state beside it do not count with it.
    private long LimitedBytes => Items - State.Count > 1 ? Bytes : Items > 1 ? State.Sum(row => row.Value?.Length ?? 0L) : 0;

    /// <summary>Checks the limits, and what else can be checked without a store. Stores call it first; callers may, to divide what is too large.</summary>
    /// <exception cref="StreamStoreException">A <see cref="Weight"/> of more than <see cref="MaxItems"/>, or more than <see cref="MaxBytes"/> in several parts.</exception>
    /// <exception cref="ArgumentException">It cannot be meant: says why.</exception>
    public void Check()
    {
        foreach (SequenceRange range in Settled)
            if (range.First > range.Last) throw new ArgumentException($"A commit of {Owner} settles from {range.First} to {range.Last}.");
        foreach (RetryWrite deferral in Deferred)
            if (deferral.Attempts < 0 || deferral.After < TimeSpan.Zero)
                throw new ArgumentException($"A commit of {Owner} defers {deferral.Sequence} with {deferral.Attempts} attempts, by {deferral.After}.");
        foreach (BatchChange change in Batches) change.Check();
        foreach (OpenReader reader in Readers) StreamNames.Check(reader.Reader);

        if (Fits) return;
        throw new StreamStoreException(
            $"A commit of {Owner} has {Items:N0} parts and {Settled.Count:N0} settled ranges, for {Outputs.Sum(output => output.Spread):N0} partitions of other streams: a weight of {Weight:N0}, with {LimitedBytes:N0} bytes; the limits of weight and bytes are {MaxItems:N0} and {MaxBytes:N0}. Settle fewer entries "
            + "at a time; an entry that becomes more than that by itself must publish its outputs by reference.")
        { Stream = Owner.Group.Stream, Partition = Owner.Partition, IsPermanent = true };
    }

    /// <summary>Refuses an attachment. A store calls it for what it cannot write, before it writes anything.</summary>
    /// <exception cref="StreamStoreException">Always.</exception>
    public void Refuse(ICommitAttachment attachment)
    {
        ArgumentNullException.ThrowIfNull(attachment);
        throw new StreamStoreException(
            $"A commit of {Owner} brings a {attachment.GetType().Name}, which only {attachment.WrittenBy} can write in its transaction; this store cannot. "
            + "Nothing was applied. Use that store, or a sink that is repeatable by itself.")
        { Stream = Owner.Group.Stream, Partition = Owner.Partition };
    }

    /// <summary>
    /// Finds an entry that this commit must not name: one that is not outstanding, or ends or is deferred twice. The same for all stores; it asks
    /// about ranges, so that a store can answer without looking at each entry.
    /// </summary>
    /// <param name="areOutstanding">Whether all of some neighbours are outstanding.</param>
    /// <returns>The sequence that voids the commit; null if there is none.</returns>
    public long? FindNotOutstanding(Func<SequenceRange, bool> areOutstanding)
    {
        ArgumentNullException.ThrowIfNull(areOutstanding);
        SequenceRange[] settled = [.. Settled.OrderBy(range => range.First)];
        for (int i = 1; i < settled.Length; i++) if (settled[i].First <= settled[i - 1].Last) return settled[i].First;
        foreach (SequenceRange range in settled) if (!areOutstanding(range)) return range.First;
        HashSet<long> deferred = [];
        foreach (RetryWrite deferral in Deferred)
            if (!areOutstanding(new(deferral.Sequence, deferral.Sequence)) || !deferred.Add(deferral.Sequence) || IsSettled(deferral.Sequence)) return deferral.Sequence;
        foreach (DeadLetterWrite letter in Dead) if (!areOutstanding(new(letter.Sequence, letter.Sequence))) return letter.Sequence;
        return null;

        // The ranges are in order and apart from each other: the last that begins before the sequence is the one.
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
