namespace Sluice;

/// <summary>A commit in the making: decides what becomes of roots that have ended, and adds it up.</summary>
internal sealed class CommitDraft(ConsecutorCore core, OwnedPartition partition, int expected = 0)
{
    private const int MaxParts = StoreCommit.MaxItems - 1;            // one for the books

    /// <summary>What <see cref="Waited"/> is in most commits.</summary>
    public static readonly IReadOnlySet<long> Nothing = new HashSet<long>();

    private readonly List<Root> roots = new(expected);
    private readonly List<long> settled = new(expected);
    private readonly List<RetryWrite> deferred = [];
    private readonly List<DeadLetterWrite> letters = [];
    private EntryBatch? derived;
    private CommitCounts counts;
    private long bytes;
    private int outputs;
    private int ranges = -1;                                          // settled ones besides the first, or more, if they did not come in their order
    private long outputBytes;

    public OwnedPartition Partition => partition;

    public List<Root> Roots => roots;

    /// <summary>The only item that it settles; null if there are several, or none.</summary>
    public long? Only
    {
        get => field ?? (!IsEpoch && roots is [{ } root] ? root.EntrySequence : null);
        init;
    }

    /// <summary>Whether it is of a whole epoch, and cannot be divided.</summary>
    public bool IsEpoch { get; init; }

    /// <summary>What changes in the counters of batches.</summary>
    public BatchTally Batches { get; } = new();

    /// <summary>Rows of the nodes' state.</summary>
    public List<StateRow> Rows { get; set; } = [];

    /// <summary>Whether there is nothing to commit.</summary>
    public bool IsEmpty => roots.TrueForAll(root => root.Staged is null) && counts.Roots == 0 && deferred.Count == 0 && derived is null && Rows.Count == 0;

    public CommitCounts Counts => counts;

    public List<RetryWrite> Deferred => deferred;

    /// <summary>The sequences of those that are deferred anew, and were not under way.</summary>
    public IReadOnlySet<long> Waited { get; private set; } = Nothing;

    /// <summary>Adds a root, unless the commit has no room for it.</summary>
    public bool TryAdd(Root root)
    {
        (int items, long size) = OutputPart.SizeOf(root);
        if (roots.Count > 0 && (Others + items > MaxParts || (!IsNext(root) && !HasRoomForRange(items)) || outputBytes + size > StoreCommit.MaxBytes / 2)) return false;
        BisectionResult? remains = null;
        RetryWrite? deferral = null;
        if (root.Park is { } why) deferral = new(root.EntrySequence, root.Attempt - 1, null, root.Headers.Node ?? "", why);
        else if (root.Failures is not null)
        {
            if (DeadLetterBuilder.ShouldReplay(core, root)) deferral = DeadLetterBuilder.Defer(core, root);
            else remains = DeadLetterBuilder.Of(core, root);
        }
        if (remains is not null)
        {
            // One that is too much by itself is spilled.
            if (roots.Count > 0 && (Others + remains.Weight > MaxParts || bytes + remains.Length > StoreCommit.MaxBytes / 2)) return false;
            bytes += remains.Length;
        }
        else if (deferral is not null)
        {
            if (Others + StoreCommit.WeightOfRange > MaxParts) return false;
            deferred.Add(deferral);
        }
        roots.Add(root);
        counts.Roots++;
        if (deferral is not null)
        {
            root.DropStaged();
            return true;
        }
        if (!IsNext(root)) ranges++;
        settled.Add(root.EntrySequence);
        (outputs, outputBytes) = (outputs + items, outputBytes + size);
        if (remains is null) CountEnded(root);
        else Leave(remains, root.Headers.Batch);
        return true;
    }

    /// <summary>Adds an item of an epoch that has failed, or has to wait.</summary>
    public void Add(EpochItem item, EpochVerdict verdict)
    {
        counts.Roots++;
        if (verdict.Deferral is { } deferral)
        {
            deferred.Add(deferral);
            return;
        }
        settled.Add(item.Entry.Sequence);
        Leave(verdict.Remains, item.Headers.Batch);
    }

    /// <summary>Adds an item of an epoch that has gone through.</summary>
    public void AddEnded(Root root)
    {
        counts.Roots++;
        settled.Add(root.EntrySequence);
        CountEnded(root);
    }

    /// <summary>Adds what came out of a stage of an epoch and has failed, or half of a list: from here on it is an entry like others.</summary>
    public void Derive(Action<EntryBatch> write)
    {
        derived ??= new() { Stream = core.Name, CodeVersion = core.Options.CodeVersion, MaxEntryBytes = Emission.MaxBytes };
        write(derived);
        counts.Derived++;
        counts.Split++;
    }

    /// <summary>Adds entries that need not wait any more; also some that were to be put aside by this commit.</summary>
    public void Release(List<RetryWrite> released)
    {
        if (released.Count == 0) return;
        HashSet<long> waited = [.. released.Select(static deferral => deferral.Sequence)];
        HashSet<long> putAside = [.. deferred.Select(static deferral => deferral.Sequence).Where(waited.Contains)];
        deferred.RemoveAll(deferral => putAside.Contains(deferral.Sequence));
        waited.ExceptWith(putAside);
        Waited = waited;
        deferred.AddRange(released);
    }

    /// <summary>How many more deferrals it can have.</summary>
    public int RoomForDeferrals => (MaxParts - Others - Rows.Count) / StoreCommit.WeightOfRange;

    private bool IsNext(Root root) => settled.Count > 0 && settled[^1] + 1 == root.EntrySequence;

    // Those that came in another order are fewer ranges than it seemed.
    private bool HasRoomForRange(int items)
    {
        if (Others + items + StoreCommit.WeightOfRange <= MaxParts) return true;
        ranges = Ranges([.. settled]).Count - 1;
        return Others + items + StoreCommit.WeightOfRange <= MaxParts;
    }

    private int Others => outputs + (StoreCommit.WeightOfRange * (letters.Count + deferred.Count + Math.Max(0, ranges))) + (derived?.Count ?? 0);

    private void Leave(BisectionResult remains, BatchTag? batch)
    {
        Batches.End(batch, hasFailed: !remains.IsDivided);
        letters.AddRange(remains.Letters);
        counts.Letters += remains.Letters.Count;
        counts.Split += remains.Letters.Count - 1;
        // The second half first: what was derived later is started first, where several are due.
        foreach (Half half in remains.Halves.Reverse())
        {
            Derive(to => to.Add(half.Payload, default, half.Headers));
            if (half.Batch is not null) Batches.Accept(half.Batch);
        }
        if (remains.Count > 0) return;
        counts.Cancelled++;
        counts.Split++;
    }

    private void CountEnded(Root root)
    {
        Batches.End(root.Headers.Batch, hasFailed: root.Outcome is not (Outcome.Completed or Outcome.Skipped));
        if (root.Outcome == Outcome.Completed) counts.Completed++;
        else if (root.Outcome == Outcome.Skipped) counts.Skipped++;
        else counts.Cancelled++;
    }

    public StoreCommit Build(CommitParts parts) => new(partition.Owner, partition.NextCommit)
    {
        Settled = Ranges(settled),
        Deferred = deferred,
        Dead = letters,
        Derived = derived,
        State = NewBooks == partition.Books ? Rows : [.. Rows, NewBooks.ToRow()],
        Outputs = parts.Outputs,
        Batches = Batches.Changes,
        FileLengths = parts.FileLengths,
        Attachments = parts.Attachments,
    };

    public PartitionCounts NewBooks => partition.Books with
    {
        Completed = partition.Books.Completed + counts.Completed,
        Skipped = partition.Books.Skipped + counts.Skipped,
        Split = partition.Books.Split + counts.Split,
    };

    /// <summary>Neighbours are one range. Sorts the sequences.</summary>
    public static List<SequenceRange> Ranges(List<long> settled)
    {
        settled.Sort();
        var ranges = new List<SequenceRange>();
        for (int i = 0; i < settled.Count; i++)
        {
            int first = i;
            while (i + 1 < settled.Count && settled[i + 1] == settled[i] + 1) i++;
            ranges.Add(new(settled[first], settled[i]));
        }
        return ranges;
    }
}
