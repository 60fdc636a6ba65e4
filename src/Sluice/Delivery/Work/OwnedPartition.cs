namespace Sluice;

/// <summary>A partition that this member owns.</summary>
internal sealed class OwnedPartition(Ownership owner, PartitionState state, PartitionCounts books)
{
    private volatile bool isVoid, isLeaving;
    private volatile Spill[] spills = [];            // replaced as a whole
    private int underWay;

    public Ownership Owner => owner;

    public int Number => owner.Partition;

    /// <summary>What of it has left the order, as far as this member knows. Used under the books' lock.</summary>
    public Dictionary<long, WaitingStatus> Waiting { get; } = state.Waiting.ToDictionary(entry => entry.Entry.Sequence, entry => entry.State);

    /// <summary>What was parked for code that this is: free with the first commit.</summary>
    public RetryWrite[] ToUnpark { get; set; } = [];

    /// <summary>What was leased again before the commit that deferred it was counted. Used under the books' lock.</summary>
    public HashSet<long> LeasedEarly { get; } = [];

    /// <summary>Entries that were leased and cannot be read: their roots fail. The pump's.</summary>
    public Dictionary<long, LeaseDamage> Damaged { get; } = [];

    /// <summary>Committed lengths of files; the committer's.</summary>
    public Dictionary<string, long> FileLengths { get; } = new(state.FileLengths, StringComparer.Ordinal);

    /// <summary>The number of the next commit; the committer's.</summary>
    public long NextCommit { get; set; } = state.LastCommit + 1;

    /// <summary>The committer's.</summary>
    public PartitionCounts Books { get; set; } = books;

    /// <summary>Roots that have ended and are to be committed; the committer's.</summary>
    public List<Root> Ended { get; } = [];

    /// <summary>Places in other streams that were kept for attempts which are made again.</summary>
    public SpareReservations Spare { get; } = new();

    /// <summary>The spilled items that an earlier owner sealed and did not publish to the end. Replaced as a whole by the committer; read by the pump.</summary>
    public IReadOnlyList<Spill> Spills
    {
        get => spills;
        init => spills = [.. value];
    }

    /// <summary>The keys of spilled pieces that were never sealed: they are deleted. The committer's.</summary>
    public List<string> SpillLeftovers { get; init; } = [];

    /// <summary>How many partitions there are.</summary>
    public int Count { get; init; } = 1;

    /// <summary>What stages remember for it; null where nothing is remembered.</summary>
    public PartitionScope? Scope { get; set; }

    /// <summary>The nodes that had state in it when it was taken.</summary>
    public IReadOnlyList<StoredNode> StateNodes { get; init; } = [];

    /// <summary>Who waits for whom; null where order does not hold through failures.</summary>
    public KeyOrder? Order { get; set; }

    /// <summary>What is leased and waits for its epoch. Used under the lock of <see cref="Epochs"/>.</summary>
    public Queue<EpochItem> Leased { get; } = [];

    /// <summary>Whether the store has nothing for it any more, and never will, as far as is known. Used under the lock of <see cref="Epochs"/>, or by the pump.</summary>
    public bool IsAtEnd { get; set; }

    /// <summary>Whether an item has died because what a stage put out with it could not be written, and nothing has come out since: it may be what the stage held. The committer's.</summary>
    public bool HasUnwritable { get; set; }

    /// <summary>How often the next stage has failed to put out what it holds; the committer's.</summary>
    public int EndFailures { get; set; }

    /// <summary>A timestamp: when it is asked again; zero if nothing is to be waited for. Written by the committer while an epoch of the partition is under way, read by the pump.</summary>
    public long EndAt { get; set; }

    /// <summary>How many of its entries were handed to the pipeline, and are not committed.</summary>
    public int UnderWay => Volatile.Read(ref underWay);

    /// <summary>Whether nothing more of it is taken up, as another member is to have it.</summary>
    public bool IsLeaving
    {
        get => isLeaving;
        set => isLeaving = value;
    }

    /// <summary>Somebody else has it, or it is given back: what is under way of it is not committed any more.</summary>
    public bool IsVoid
    {
        get => isVoid;
        set => isVoid = value;
    }

    /// <summary>The spill of an entry that an earlier owner sealed; null for most entries. Any thread.</summary>
    public Spill? FindSpill(long sequence)
    {
        foreach (Spill known in spills)              // no closure: this is asked for every entry
            if (known.Sequence == sequence) return known;
        return null;
    }

    /// <summary>A spill is published. The committer's.</summary>
    public void Remove(Spill spill) => spills = [.. spills.Where(other => other != spill)];

    /// <summary>Entries are handed to the pipeline. Under the books' lock.</summary>
    public void Begin(int entries) => Interlocked.Add(ref underWay, entries);

    /// <summary>They are committed, or given up.</summary>
    public void End(ConsecutorCore core, int entries)
    {
        Interlocked.Add(ref underWay, -entries);
        core.End(entries);
        if (isLeaving) core.Members.LetGo();
    }
}
