namespace Sluice;

/// <summary>Asks for the next entries of some partitions.</summary>
/// <param name="Owned">The partitions, served in this order: begin behind the last one that was served, or the first ones are served only.</param>
public sealed record LeaseRequest(IReadOnlyList<Ownership> Owned)
{
    /// <summary>The most entries, over all partitions; at least one.</summary>
    public int MaxItems { get; init; } = 1024;

    /// <summary>The most partitions to give entries from, at least one; all unless given. In those behind them more comes together until their turn.</summary>
    public int MaxBatches { get; init; } = int.MaxValue;

    /// <summary>The most bytes of payloads and headers, over all partitions; a first entry is given whatever its length.</summary>
    public long MaxBytes { get; init; } = 1 << 20;

    /// <summary>Output streams: nothing is leased while one of them is full, so that commits overshoot a bound once only.</summary>
    public IReadOnlyList<string> BackpressureStreams { get; init; } = [];

    /// <summary>
    /// Ask for one suspect, to be run with nothing else in the process. If the owner dies with it, that is charged as an attempt. Null: for
    /// everything but suspects, which are never leased otherwise.
    /// </summary>
    public Quarantine? Quarantine { get; init; }
}

/// <summary>Entries for an owner. They are marked as dispatched before anybody sees them, so that the end of the process does not undo it; a power failure may.</summary>
/// <param name="Batches">Entries by partition; empty if nothing is to be had. In a batch: retries by due time, those of one instant by sequence; then new entries by sequence.</param>
/// <param name="Stale">The partitions that somebody else has taken: drop everything about them, and take them anew if they are wanted.</param>
public sealed record LeaseResult(IReadOnlyList<LeasedBatch> Batches, IReadOnlyList<Ownership> Stale)
{
    /// <summary>The stream of <see cref="LeaseRequest.BackpressureStreams"/> that is full; null if nothing was held back.</summary>
    public string? FullStream { get; init; }

    /// <summary>
    /// How long until something may be had without a change of the stream: the next retry of these partitions is due, or a reader that holds
    /// that stream expires. Null if nothing of the kind is ahead; not negative.
    /// </summary>
    public TimeSpan? NextDue { get; init; }

    /// <summary>Whether the stream has ended and nothing of these partitions is outstanding any more, in flight neither.</summary>
    public bool IsEnded { get; init; }

    /// <summary>
    /// Entries that were leased and cannot be read, by partition and sequence. They count as dispatched, like those in <see cref="Batches"/>, which has what comes behind them as well. Bury them (<see cref="DeadLetterWrite.IsDamaged"/>),
    /// or release the partition, and what was leased of it is as before.
    /// </summary>
    public IReadOnlyList<LeaseDamage> Damaged { get; init; } = [];

    /// <summary>Whether the quarantine that the request carried has been taken by somebody else; nothing was leased.</summary>
    public bool IsQuarantineLost { get; init; }
}

/// <summary>Leased entries of one partition.</summary>
/// <param name="Owner">The ownership that their commit carries.</param>
/// <param name="Entries">The entries; <see cref="Entry.Attempt"/> is the number of the start that this is.</param>
public sealed record LeasedBatch(Ownership Owner, ReadOnlyMemory<Entry> Entries);

/// <summary>Neighbouring entries of a partition that were leased and cannot be read.</summary>
/// <param name="Owner">The ownership that their commit carries.</param>
/// <param name="Entries">Which entries.</param>
/// <param name="Message">The damage, for people: names stream, partition and sequence.</param>
public sealed record LeaseDamage(Ownership Owner, SequenceRange Entries, string Message)
{
    /// <summary>The number of the start that this is, from one; of all of them.</summary>
    public int Attempt { get; init; } = 1;

    /// <summary>What there is of one entry's bytes, in the store's form; empty if nothing is, or if they are several.</summary>
    public ReadOnlyMemory<byte> Raw { get; init; }
}

/// <summary>The right to run suspects of a group: one member has it at a time.</summary>
/// <param name="Group">The group.</param>
/// <param name="Epoch">Raised by every taking.</param>
public readonly record struct Quarantine(GroupId Group, long Epoch);

/// <summary>What became of a reservation.</summary>
public enum ReserveStatus
{
    /// <summary>The place is kept until a commit gives it back (<see cref="CommitOutput"/>), or the ownership ends.</summary>
    Reserved,

    /// <summary>There is no room; wait for a change of the stream.</summary>
    Full,

    /// <summary>The ownership is void.</summary>
    Stale,

    /// <summary>The stream has ended.</summary>
    Ended,
}
