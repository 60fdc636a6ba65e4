namespace Sluice;

/// <summary>A partition that this member owns: what the pump has started of it, and what the committer is to commit.</summary>
internal sealed class OwnedPartition(Ownership owner, PartitionState state, PartitionBooks books, Signal committer)
{
    private Root? settled;
    private volatile bool isVoid;

    public Ownership Owner => owner;

    public int Number => owner.Partition;

    /// <summary>What of it has left the order, as far as this member knows. Used under the books' lock.</summary>
    public Dictionary<long, WaitingState> Waiting { get; } = state.Waiting.ToDictionary(entry => entry.Entry.Sequence, entry => entry.State);

    /// <summary>Committed lengths of files; the committer's.</summary>
    public Dictionary<string, long> FileLengths { get; } = new(state.FileLengths, StringComparer.Ordinal);

    /// <summary>The number of the next commit; the committer's.</summary>
    public long NextCommit { get; set; } = state.LastCommit + 1;

    /// <summary>The committer's.</summary>
    public PartitionBooks Books { get; set; } = books;

    /// <summary>Somebody else has it, or it is given back: what is under way of it is not committed any more.</summary>
    public bool IsVoid
    {
        get => isVoid;
        set => isVoid = value;
    }

    public bool HasSettled => Volatile.Read(ref settled) is not null;

    /// <summary>A root has completely ended. Any thread.</summary>
    public void Settled(Root root)
    {
        Root? seen = Volatile.Read(ref settled);
        while (true)
        {
            root.Behind = seen;
            Root? found = Interlocked.CompareExchange(ref settled, root, seen);
            if (ReferenceEquals(found, seen)) break;
            seen = found;
        }
        committer.Set();
    }

    /// <summary>Takes all roots that have ended since the last time, in the order of their ends.</summary>
    public void TakeSettled(List<Root> into)
    {
        int start = into.Count;
        for (Root? root = Interlocked.Exchange(ref settled, null); root is not null; root = root.Behind) into.Add(root);
        into.Reverse(start, into.Count - start);
    }
}
