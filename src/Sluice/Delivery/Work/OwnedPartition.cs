namespace Sluice;

/// <summary>A partition that this member owns.</summary>
internal sealed class OwnedPartition(Ownership owner, PartitionState state, PartitionBooks books)
{
    private volatile bool isVoid;

    public Ownership Owner => owner;

    public int Number => owner.Partition;

    /// <summary>What of it has left the order, as far as this member knows. Used under the books' lock.</summary>
    public Dictionary<long, WaitingState> Waiting { get; } = state.Waiting.ToDictionary(entry => entry.Entry.Sequence, entry => entry.State);

    /// <summary>What was leased again before the commit that deferred it was counted. Used under the books' lock.</summary>
    public HashSet<long> LeasedEarly { get; } = [];

    /// <summary>Committed lengths of files; the committer's.</summary>
    public Dictionary<string, long> FileLengths { get; } = new(state.FileLengths, StringComparer.Ordinal);

    /// <summary>The number of the next commit; the committer's.</summary>
    public long NextCommit { get; set; } = state.LastCommit + 1;

    /// <summary>The committer's.</summary>
    public PartitionBooks Books { get; set; } = books;

    /// <summary>Roots that have ended and are to be committed; the committer's.</summary>
    public List<Root> Ended { get; } = [];

    /// <summary>Somebody else has it, or it is given back: what is under way of it is not committed any more.</summary>
    public bool IsVoid
    {
        get => isVoid;
        set => isVoid = value;
    }
}
