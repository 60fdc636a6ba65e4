namespace Sluice.Storage;

/// <summary>A request for the next entries of some partitions.</summary>
/// <param name="Owned">
/// The partitions, served in this order. Start after the partition served last; otherwise later partitions starve.
/// </param>
public sealed record LeaseRequest(IReadOnlyList<Ownership> Owned)
{
    /// <summary>The maximum number of entries, over all partitions; at least one.</summary>
    public int MaxItems { get; init; } = 1024;

    /// <summary>
    /// The maximum number of partitions that give entries, at least one; by default all. Entries of the others accumulate until their turn.
    /// </summary>
    public int MaxBatches { get; init; } = int.MaxValue;

    /// <summary>The maximum size of payloads and headers in bytes, over all partitions. The first entry may be longer.</summary>
    public long MaxBytes { get; init; } = 1 << 20;

    /// <summary>Output streams. While one of them is full, nothing is leased, so that commits exceed its bounds only once.</summary>
    public IReadOnlyList<string> BackpressureStreams { get; init; } = [];

    /// <summary>
    /// Requests one suspect, to run alone in the process; if the owner dies with it, an attempt is charged. Null leases all entries except
    /// suspects.
    /// </summary>
    public Quarantine? Quarantine { get; init; }
}

/// <summary>
/// Leased entries. They are marked as dispatched before a caller sees them. The mark survives the end of the process; a power failure may
/// undo it.
/// </summary>
/// <param name="Batches">
/// The entries by partition; empty if there are none. In each: retries by due time; then new entries by sequence. Retries of one due time
/// are in the order of the absolute values of their sequences, so -1 comes before -2, as they were made; and -1 comes before 1.
/// </param>
/// <param name="Stale">The partitions that another member has acquired. Drop their state, and acquire them again if you need them.</param>
public sealed record LeaseResult(IReadOnlyList<LeasedBatch> Batches, IReadOnlyList<Ownership> Stale)
{
    /// <summary>The full stream of <see cref="LeaseRequest.BackpressureStreams"/>; null if there is none.</summary>
    public string? FullStream { get; init; }

    /// <summary>
    /// The time until a lease may succeed without a change of the stream, zero or more. Then the next retry is due, or a reader that holds
    /// the full stream expires. Null if only a change helps.
    /// </summary>
    public TimeSpan? NextDue { get; init; }

    /// <summary>Whether the stream has ended, and no entry of these partitions is outstanding or in flight.</summary>
    public bool IsEnded { get; init; }

    /// <summary>
    /// Leased entries that cannot be read, by partition and sequence. They count as dispatched, like the entries in <see cref="Batches"/>;
    /// reading continues behind them. Write a dead letter for them (<see cref="DeadLetterWrite.IsDamaged"/>), or release the partition,
    /// which undoes its lease.
    /// </summary>
    public IReadOnlyList<LeaseDamage> Damaged { get; init; } = [];

    /// <summary>
    /// The time at which a group of the request was paused, by the store's clock; null if none is paused. A paused group gives no entries,
    /// and its entries do not count for <see cref="NextDue"/> and <see cref="IsEnded"/>: wait for a change.
    /// </summary>
    public DateTimeOffset? PausedAt { get; init; }

    /// <summary>Whether a group of the request is paused (<see cref="IStreamStore.PauseGroupAsync"/>).</summary>
    public bool IsPaused => PausedAt is not null;

    /// <summary>Whether another member has acquired the request's quarantine; then nothing was leased.</summary>
    public bool IsQuarantineLost { get; init; }
}

/// <summary>Leased entries of one partition.</summary>
/// <param name="Owner">The ownership for their commit.</param>
/// <param name="Entries">The entries; <see cref="Entry.Attempt"/> is the number of this attempt.</param>
public sealed record LeasedBatch(Ownership Owner, ReadOnlyMemory<Entry> Entries);

/// <summary>Neighbouring entries of a partition that were leased and cannot be read.</summary>
/// <param name="Owner">The ownership for their commit.</param>
/// <param name="Entries">Their sequences.</param>
/// <param name="Message">The damage, as text that names the entry as <c>stream/partition/sequence</c>: <c>orders/0/2</c>.</param>
public sealed record LeaseDamage(Ownership Owner, SequenceRange Entries, string Message)
{
    /// <summary>The number of this attempt, from one; the same for all entries.</summary>
    public int Attempt { get; init; } = 1;

    /// <summary>The remaining bytes of a single entry, in the store's format; empty if there are none, or for several entries.</summary>
    public ReadOnlyMemory<byte> Raw { get; init; }
}

/// <summary>The right to run suspects of a group; one member has it at a time.</summary>
/// <param name="Group">The group.</param>
/// <param name="Epoch">The quarantine's epoch, raised by every acquisition.</param>
public readonly record struct Quarantine(GroupId Group, long Epoch);

/// <summary>The outcome of a reservation.</summary>
public enum ReserveStatus
{
    /// <summary>The room is reserved until a commit uses it (<see cref="CommitOutput"/>), or the ownership ends.</summary>
    Reserved,

    /// <summary>The stream is full; wait for a change.</summary>
    Full,

    /// <summary>The ownership is void.</summary>
    Stale,

    /// <summary>The stream has ended.</summary>
    Ended,
}
