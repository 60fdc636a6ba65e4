namespace Sluice;

/// <summary>
/// A numbered append: entries n to n + k - 1 of a producer. Accepted only if n is the producer's last number plus one, so that a
/// resend, however late, can neither duplicate nor lose anything.
/// </summary>
/// <param name="Stream">The stream, which must be open.</param>
/// <param name="Producer">Who appends; numbered per stream. A name that was never used starts at epoch zero and number one.</param>
/// <param name="Epoch">The producer's epoch: what <see cref="IStreamStore.OpenProducerAsync"/> returned, or zero if it was never opened.</param>
/// <param name="Sequence">The number of the first entry; from one.</param>
/// <param name="Entries">
/// The entries, accepted together or not at all. The store copies them before its task completes, then the batch may be reused. It may be
/// empty if <see cref="Batches"/> is not, or if there is a <see cref="Position"/> to record: that takes one number. A store may refuse entries for more
/// than <see cref="MaxSpread"/> partitions.
/// </param>
public sealed record AppendRequest(string Stream, string Producer, long Epoch, long Sequence, EntryBatch Entries)
{
    /// <summary>For how many partitions the entries of one append may be in every store.</summary>
    public const int MaxSpread = 300;

    /// <summary>
    /// What the producer wants to find again when it resumes (an offset, a line number); null leaves what is recorded. At most 4 KB.
    /// </summary>
    public ReadOnlyMemory<byte>? Position { get; init; }

    /// <summary>
    /// How long after this append the store must still know the producer; null for ever. For producers that are an idempotency
    /// key: the stated window in which a repetition gets the first answer.
    /// </summary>
    public TimeSpan? ForgetAfter { get; init; }

    /// <summary>Counters of batches that change with this append (<see cref="BatchChange"/>).</summary>
    public IReadOnlyList<BatchChange> Batches { get; init; } = [];

    /// <summary>The number of the last entry; of an append without entries, its own.</summary>
    public long LastSequence => Sequence + Math.Max(1, Entries.Count) - 1;

    /// <summary>Checks what can be checked without a store. Stores call it first.</summary>
    /// <exception cref="ArgumentException">It cannot be meant: says why.</exception>
    public void Check()
    {
        StreamNames.Check(Producer);
        ArgumentOutOfRangeException.ThrowIfNegative(Epoch);
        ArgumentOutOfRangeException.ThrowIfLessThan(Sequence, 1);
        if (Position is { Length: > 4096 } position)
            throw new ArgumentException($"The position that {Producer} records with its append to {Stream} has {position.Length:N0} bytes; the limit is 4,096.");
        if (ForgetAfter < TimeSpan.Zero) throw new ArgumentException($"{Producer} is to be forgotten {ForgetAfter} after its append to {Stream}.");
        if (Entries.Count == 0 && Batches.Count == 0 && Position is null) throw new ArgumentException($"The batch that {Producer} appends to {Stream} is empty.");
        foreach (BatchChange change in Batches) change.Check();
    }

    /// <summary>
    /// What a store answers without appending anything: the producer is not this one any more, it has sent this before, something is missing before it, or the stream
    /// has ended. Every store asks this before it looks whether there is room.
    /// </summary>
    /// <param name="epoch">The producer's epoch as the store knows it; zero if it knows none.</param>
    /// <param name="last">Its last accepted number; zero if there is none.</param>
    /// <param name="latest">The first number of its last append, and the id of that entry.</param>
    /// <param name="end">How the stream has ended; null if it has not.</param>
    /// <param name="position">The position recorded with the producer; empty if there is none.</param>
    /// <returns>The answer; null if the append is to be accepted.</returns>
    /// <exception cref="StoreRolledBackException">The producer has an epoch that the store does not know yet.</exception>
    public AppendResult? Refusal(long epoch, long last, (long Number, EntryId? Id) latest, StreamEnd? end, ReadOnlyMemory<byte> position = default)
    {
        if (Epoch > epoch)
            throw new StoreRolledBackException($"The producer {Producer} of the stream {Stream} has the epoch {Epoch}, the store knows {epoch} only: it has lost writes.") { Stream = Stream };
        if (Epoch < epoch) return new(AppendStatus.Refused, last, null);
        if (LastSequence <= last)
            return new(AppendStatus.Duplicate, last, Sequence == latest.Number ? latest.Id : null) { Position = position.IsEmpty ? default : position };
        if (Sequence != last + 1) return new(AppendStatus.Gap, last, null);
        return end is null ? null : new(AppendStatus.Ended, last, null);
    }

    /// <summary>Checks the entries against the stream they are for. Stores call it before they write, for outputs of commits as well.</summary>
    /// <param name="entries">The entries.</param>
    /// <param name="stream">The stream's name.</param>
    /// <param name="options">The stream's options.</param>
    /// <exception cref="PayloadException">One of them is longer than the stream allows.</exception>
    public static void CheckLength(EntryBatch entries, string stream, StreamOptions options)
    {
        ArgumentNullException.ThrowIfNull(entries);
        ArgumentNullException.ThrowIfNull(options);
        if (entries.Longest <= options.MaxEntryBytes) return;
        throw new PayloadException(
            $"An entry for the stream {stream} has {entries.Longest:N0} bytes with headers, the stream's limit is {options.MaxEntryBytes:N0} "
            + "(MaxEntryBytes). Nothing was written. Store it elsewhere and send a reference, or make the stream with a higher limit.")
        { IsTooLong = true };
    }
}

/// <summary>What became of an append.</summary>
public enum AppendStatus
{
    /// <summary>Accepted, and as durable as the store.</summary>
    Accepted,

    /// <summary>All of it was accepted before: this is a resend. Nothing was done; the result is the recorded one.</summary>
    Duplicate,

    /// <summary>
    /// The first number is not the last plus one: nothing was accepted. Go on from <see cref="AppendResult.Last"/> plus one; if that is below what was
    /// acknowledged before, the store went back (<see cref="StoreRolledBackException"/>).
    /// </summary>
    Gap,

    /// <summary>The producer was opened by somebody else since: nothing was accepted, and nothing will be.</summary>
    Refused,

    /// <summary>The bound is reached: nothing was accepted and no number consumed. Wait for a change, then send the same again.</summary>
    Full,

    /// <summary>The stream was completed or failed: nothing was accepted.</summary>
    Ended,
}

/// <summary>The answer to an append.</summary>
/// <param name="Status">What became of it.</param>
/// <param name="Last">The producer's last accepted number, after this append.</param>
/// <param name="First">
/// The id of the first entry, if <see cref="Status"/> is Accepted, or Duplicate of the producer's last append; else null, as for an
/// append without entries. Entries without keys of one append are neighbours in one partition.
/// </param>
public sealed record AppendResult(AppendStatus Status, long Last, EntryId? First)
{
    /// <summary>
    /// If the status is Full: how long until a reader that holds the stream may expire. Try again then, or at a change; null if only a change makes room.
    /// </summary>
    public TimeSpan? RetryAfter { get; init; }

    /// <summary>
    /// If the status is Duplicate: the position recorded with the producer, as <see cref="AppendRequest.Position"/> gave it; else empty. So whoever repeats an idempotency key
    /// can be told whether it stands for the same as the first time.
    /// </summary>
    public ReadOnlyMemory<byte> Position { get; init; }

    /// <summary>Equal answers have positions of the same bytes.</summary>
    public bool Equals(AppendResult? other)
        => other is not null && (Status, Last, First, RetryAfter) == (other.Status, other.Last, other.First, other.RetryAfter) && Position.Span.SequenceEqual(other.Position.Span);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Status, Last, First, RetryAfter, Position.Length);
}

/// <summary>A producer that was opened.</summary>
/// <param name="Epoch">Its new epoch: all earlier holders of the name are refused from now on.</param>
/// <param name="Last">Its last accepted number; the next append has this plus one.</param>
/// <param name="Position">The position recorded with its last append that gave one; empty if there is none.</param>
public sealed record ProducerState(long Epoch, long Last, ReadOnlyMemory<byte> Position);
