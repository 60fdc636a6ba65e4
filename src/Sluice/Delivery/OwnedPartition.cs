namespace Sluice.Delivery;

/// <summary>A partition that this member owns, with what the parts of the consecutor know of it.</summary>
/// <remarks>
/// Each member says which part uses it, or under which lock. <see cref="HasFiles"/>, <see cref="IsLeaving"/>, <see cref="IsVoid"/> and
/// <see cref="UnderWay"/>: any thread.
/// </remarks>
internal sealed class OwnedPartition(Ownership owner, PartitionState state, PartitionCounts counts)
{
    private volatile bool isVoid, isLeaving, hasFiles;
    private volatile Spill[] spills = [];            // replaced as a whole
    private int underWay;

    public Ownership Owner => owner;

    public int Number => owner.Partition;

    /// <summary>
    /// The entries that wait for a retry, are parked or suspects, as far as this member knows. Under the lock of the ledger.
    /// </summary>
    public Dictionary<long, WaitingStatus> Waiting { get; } = state.Waiting.ToDictionary(entry => entry.Entry.Sequence,
        entry => entry.Status);

    /// <summary>The node and the error of each suspect that has failed before, by sequence.</summary>
    public IReadOnlyDictionary<long, string> SuspectFailures { get; } = state.Waiting
        .Where(static entry => entry is { Status: WaitingStatus.Suspect, Error.Length: > 0 })
        .ToDictionary(static entry => entry.Entry.Sequence, static entry => $"'{entry.Node}': {entry.Error}");

    /// <summary>The parked entries that this code can process: the first commit frees them.</summary>
    public RetryWrite[] ToUnpark { get; set; } = [];

    /// <summary>
    /// The entries that were leased again before the commit that deferred them was counted. Under the lock of the ledger.
    /// </summary>
    public HashSet<long> LeasedEarly { get; } = [];

    /// <summary>The leased entries that cannot be read: their roots fail. Used by the pump; with rounds, by the committer at their end,
    /// as <see cref="Order"/>.</summary>
    public Dictionary<long, LeaseDamage> Damaged { get; } = [];

    /// <summary>The committed lengths of files. Used by the committer.</summary>
    public Dictionary<string, long> FileLengths { get; } = new(state.FileLengths, StringComparer.Ordinal);

    /// <summary>The number of the next commit. Used by the committer, and read when the partition is lost.</summary>
    public long NextCommit { get; set; } = state.LastCommit + 1;

    /// <summary>The ended items. Used by the committer.</summary>
    public PartitionCounts Counts { get; set; } = counts;

    /// <summary>The roots that have ended and are not committed yet. Used by the committer.</summary>
    public List<Root> Ended { get; } = [];

    /// <summary>The reserved places in other streams that repeated attempts use.</summary>
    public SpareReservations Spare { get; } = new();

    /// <summary>
    /// The spilled items that an earlier owner has sealed and not fully published. Replaced as a whole by the committer; read by the
    /// pump.
    /// </summary>
    public IReadOnlyList<Spill> Spills
    {
        get => spills;
        init => spills = [.. value];
    }

    /// <summary>The keys of spilled pieces without a seal, which are deleted. Used by the committer.</summary>
    public List<string> SpillLeftovers { get; init; } = [];

    /// <summary>The number of partitions of the stream.</summary>
    public int Count { get; init; } = 1;

    /// <summary>The state of stages in this partition; null if stages keep no state.</summary>
    public PartitionScope? Scope { get; set; }

    /// <summary>The nodes that had state in it when it was acquired.</summary>
    public IReadOnlyList<StoredNode> StateNodes { get; init; } = [];

    /// <summary>Which items wait for which, by key; null if the order does not hold through failures.</summary>
    public KeyOrder? Order { get; set; }

    /// <summary>The leased entries that wait for their round. Under the lock of <see cref="Rounds"/>.</summary>
    public Queue<RoundItem> Leased { get; } = [];

    /// <summary>
    /// Whether the store will never have another entry for it, as far as is known. Under the lock of <see cref="Rounds"/>, or used by
    /// the pump.
    /// </summary>
    public bool IsAtEnd { get; set; }

    /// <summary>
    /// Whether an item has died because a stage's emission could not be written, and no emission has come since. Used by the committer.
    /// </summary>
    public bool HasUnwritable { get; set; }

    /// <summary>How often the next stage has failed to emit its held items at the end. Used by the committer.</summary>
    public int EndFailures { get; set; }

    /// <summary>A timestamp: when that stage is tried again; zero for at once. Written by the committer during a round of the partition,
    /// read by the pump.</summary>
    public long EndAt { get; set; }

    /// <summary>How many of its entries are in flight.</summary>
    public int UnderWay => Volatile.Read(ref underWay);

    /// <summary>Whether sinks of the code have written files for it. Written where <see cref="FileLengths"/> changes.</summary>
    public bool HasFiles
    {
        get => hasFiles;
        set => hasFiles = value;
    }

    /// <summary>Whether no more entries of it start, because another member is to have it.</summary>
    public bool IsLeaving
    {
        get => isLeaving;
        set => isLeaving = value;
    }

    /// <summary>Whether this member does not own it any more: its items in flight are not committed.</summary>
    public bool IsVoid
    {
        get => isVoid;
        set => isVoid = value;
    }

    /// <summary>The spill of an entry that an earlier owner sealed; null for most entries. Any thread.</summary>
    public Spill? FindSpill(long sequence)
    {
        foreach (Spill known in spills)              // no closure: called for every entry
            if (known.Sequence == sequence) return known;
        return null;
    }

    /// <summary>Removes a spill that is published. Used by the committer.</summary>
    public void Remove(Spill spill) => spills = [.. spills.Where(other => other != spill)];

    /// <summary>Entries are handed to the pipeline. Under the lock of the ledger.</summary>
    public void Begin(int entries) => Interlocked.Add(ref underWay, entries);

    /// <summary>Entries are committed or given up. Called by <see cref="OwnedPartitions"/>.</summary>
    public void End(int entries) => Interlocked.Add(ref underWay, -entries);
}
