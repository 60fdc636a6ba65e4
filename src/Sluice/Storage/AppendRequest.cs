namespace Sluice.Storage;

/// <summary>
/// A numbered append: entries n to n + k - 1 of a producer. The store accepts it only if n is the producer's last number plus one, so that
/// a resend, however late, duplicates and loses nothing.
/// </summary>
/// <param name="Stream">The stream, which must be open.</param>
/// <param name="Producer">The producer's name; each stream has its own. A new name starts at epoch zero and number one.</param>
/// <param name="Epoch">
/// The producer's epoch: the result of <see cref="IStreamStore.OpenProducerAsync"/>, or zero if the producer was never opened.
/// </param>
/// <param name="Sequence">The number of the first entry; from one.</param>
/// <param name="Entries">
/// The entries, accepted together or not at all, for at most <see cref="MaxSpread"/> partitions (a store may refuse more). The store copies
/// them before its task completes; then the batch may be reused. An empty batch is allowed with <see cref="Batches"/> or a
/// <see cref="Position"/>, and takes one number.
/// </param>
public sealed record AppendRequest(string Stream, string Producer, long Epoch, long Sequence, EntryBatch Entries)
{
    /// <summary>The number of partitions that the entries of one append may go to in every store.</summary>
    public const int MaxSpread = 300;

    /// <summary>The producer's resume position (an offset, a line number); null keeps the recorded one. At most 4 KB.</summary>
    public ReadOnlyMemory<byte>? Position { get; init; }

    /// <summary>
    /// The minimum time for which the store remembers the producer after this append; null for ever. For idempotency keys it is the window
    /// in which a repetition gets the first answer. Zero or more, at most 36,500 days.
    /// </summary>
    /// <remarks>
    /// Stores forget the producer some time after that: one that appends again and again up to an eighth of the time later, others within
    /// a minute, or later while the clock of a server is behind. The time counts while the store is open, or where its server runs: while a
    /// store of one process is closed, its clock cannot be told from one that is wrong.
    /// </remarks>
    public TimeSpan? ForgetAfter { get; init; }

    /// <summary>The changes of batch counters in this append (<see cref="BatchChange"/>).</summary>
    public IReadOnlyList<BatchChange> Batches { get; init; } = [];

    /// <summary>
    /// Whether the entries help to make room, as the request to cancel a run does: a store that refuses appends because its memory is full
    /// accepts it all the same. Bounds of the stream hold. By default false.
    /// </summary>
    public bool MakesRoom { get; init; }

    /// <summary>The number of the last entry; for an append without entries, its own number.</summary>
    public long LastSequence => Sequence + Math.Max(1, Entries.Count) - 1;

    // The end of a batch, also of one whose stream is complete: its entries may still be worked on.
    private bool OnlyCounts => Entries.Count == 0 && Position is null && Batches.Count > 0;

    /// <summary>Validates everything that needs no store. Stores call it first.</summary>
    /// <exception cref="ArgumentException">The append is invalid; the message says why.</exception>
    public void Check()
    {
        StreamNames.Check(Producer);
        ArgumentOutOfRangeException.ThrowIfNegative(Epoch);
        ArgumentOutOfRangeException.ThrowIfLessThan(Sequence, 1);
        if (Position is { Length: > 4096 } position)
            throw new ArgumentException(
                $"The position that {Producer} records with its append to {Stream} has {position.Length:N0} bytes; the limit is 4,096.");
        if (ForgetAfter < TimeSpan.Zero || ForgetAfter > StoreCommit.MaxWait) throw new ArgumentException(
            $"{Producer} is to be forgotten {ForgetAfter} after its append to {Stream}: zero or more, at most 36,500 days. "
            + "Null is for ever.");
        if (Entries.Count == 0 && Batches.Count == 0 && Position is null)
            throw new ArgumentException($"The batch that {Producer} appends to {Stream} is empty.");
        foreach (BatchChange change in Batches) change.Check();
    }

    /// <summary>
    /// Answers an append that the store must not execute: the epoch is old, the append is a repetition, earlier numbers are missing, or the
    /// stream has ended. A stream that is complete still accepts an append that only changes batches. Every store calls it before it
    /// checks for room.
    /// </summary>
    /// <param name="epoch">The producer's epoch in the store; zero if it has none.</param>
    /// <param name="last">The producer's last accepted number; zero if it has none.</param>
    /// <param name="latest">The first number of the producer's last append, and the id of that entry.</param>
    /// <param name="end">The stream's end; null if it has not ended.</param>
    /// <param name="position">The position recorded with the producer; empty if it has none.</param>
    /// <returns>The answer; null if the append is to be accepted.</returns>
    /// <exception cref="StoreRolledBackException">The producer's epoch is above the store's. So it is for a producer of a stream that was
    /// deleted and made again, until the next one of its name has opened: what it has appended is gone.</exception>
    public AppendResult? Refusal(long epoch, long last, (long Number, EntryId? Id) latest, StreamEnd? end,
        ReadOnlyMemory<byte> position = default)
    {
        if (Epoch > epoch)
            throw new StoreRolledBackException(
                $"The producer {Producer} of the stream {Stream} has the epoch {Epoch}, the store knows {epoch} only: it has "
                    + $"lost writes.")
            { Stream = Stream };
        if (Epoch < epoch) return new(AppendStatus.Refused, last, null);
        if (LastSequence <= last)
            return new(AppendStatus.Duplicate, last, Sequence == latest.Number ? latest.Id : null)
            {
                Position = position.IsEmpty ? default
                : position
            };
        if (Sequence != last + 1) return new(AppendStatus.Gap, last, null);
        return end is null || (end.Failure is null && OnlyCounts) ? null : new(AppendStatus.Ended, last, null);
    }

    /// <summary>Validates the length of entries for a stream. Stores call it before they write, also for outputs of commits.</summary>
    /// <param name="entries">The entries.</param>
    /// <param name="stream">The stream's name.</param>
    /// <param name="options">The stream's options.</param>
    /// <exception cref="PayloadException">An entry is longer than the stream allows.</exception>
    public static void CheckLength(EntryBatch entries, string stream, StreamOptions options)
    {
        ArgumentNullException.ThrowIfNull(entries);
        ArgumentNullException.ThrowIfNull(options);
        if (entries.Longest <= options.MaxEntryBytes) return;
        throw new PayloadException(
            $"An entry for the stream {stream} has {entries.Longest:N0} bytes with headers, the stream's limit "
                + $"is {options.MaxEntryBytes:N0} "
            + "(MaxEntryBytes). Nothing was written. Store it elsewhere and send a reference, or make a new stream with a higher limit: an "
            + "existing stream keeps its limit.")
        { IsTooLong = true };
    }
}

/// <summary>The outcome of an append.</summary>
public enum AppendStatus
{
    /// <summary>Accepted, and as durable as the store.</summary>
    Accepted,

    /// <summary>A repetition: all entries were accepted before. Nothing was done; the result is the recorded one.</summary>
    Duplicate,

    /// <summary>
    /// The first number is not the last one plus one: nothing was accepted. Continue from <see cref="AppendResult.Last"/> plus one. If that
    /// is below an acknowledged number, the store was rolled back (<see cref="StoreRolledBackException"/>).
    /// </summary>
    Gap,

    /// <summary>Another instance has opened the producer since: nothing was accepted, and later appends will be refused too.</summary>
    Refused,

    /// <summary>The stream is full: nothing was accepted, and no number consumed. Wait for a change, then repeat the append.</summary>
    Full,

    /// <summary>
    /// The stream has ended: nothing was accepted. A stream that is complete accepts appends that only change batches.
    /// </summary>
    Ended,
}

/// <summary>The answer to an append.</summary>
/// <param name="Status">The outcome.</param>
/// <param name="Last">The producer's last accepted number, after this append.</param>
/// <param name="First">
/// The id of the first entry, if <see cref="Status"/> is Accepted, or Duplicate of the producer's last append; else null, also for an
/// append without entries. Entries without keys of one append are neighbours in one partition.
/// </param>
public sealed record AppendResult(AppendStatus Status, long Last, EntryId? First)
{
    /// <summary>
    /// If the status is Full: the time until a reader that holds the stream may expire. Retry then, or at a change. Null if only a change
    /// makes room.
    /// </summary>
    public TimeSpan? RetryAfter { get; init; }

    /// <summary>
    /// If the status is Duplicate: the position recorded with the producer (<see cref="AppendRequest.Position"/>); else empty. With it a
    /// caller can compare a repeated idempotency key with its first use.
    /// </summary>
    public ReadOnlyMemory<byte> Position { get; init; }

    /// <summary>Compares all values, positions by their bytes.</summary>
    public bool Equals(AppendResult? other)
        => other is not null && (Status, Last, First, RetryAfter) == (other.Status, other.Last, other.First, other.RetryAfter)
        && Position.Span.SequenceEqual(other.Position.Span);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Status, Last, First, RetryAfter, Position.Length);
}

/// <summary>The state of a producer that was just opened.</summary>
/// <param name="Epoch">Its new epoch, which refuses all earlier holders of the name.</param>
/// <param name="Last">Its last accepted number; the next append has this plus one.</param>
/// <param name="Position">The position recorded with its last append that gave one; empty if there is none.</param>
public sealed record ProducerState(long Epoch, long Last, ReadOnlyMemory<byte> Position);
