namespace Sluice.Delivery;

/// <summary>
/// A commit that is being put together: decides for each root whether it is settled, deferred or a dead letter, and adds it up.
/// </summary>
/// <remarks>Used by the committer.</remarks>
/// <param name="consecutor">The consecutor.</param>
/// <param name="builder">Builds its dead letters.</param>
/// <param name="partition">The partition of the roots.</param>
/// <param name="expected">How many roots are expected.</param>
internal sealed class CommitDraft(ConsecutorIdentity consecutor, DeadLetterBuilder builder, OwnedPartition partition, int expected = 0)
{
    private const int MaxParts = StoreCommit.MaxItems - 1;            // one for the row of counts

    /// <summary>The value of <see cref="Waited"/> in most commits.</summary>
    public static readonly IReadOnlySet<long> Nothing = new HashSet<long>();

    private readonly List<Root> roots = new(expected);
    private readonly List<long> settled = new(expected);
    private readonly List<RetryWrite> deferred = [];
    private readonly List<DeadLetterWrite> letters = [];
    private readonly List<long> givenUp = [];        // of the roots that are counted as cancelled and leave no letter
    private IReadOnlySet<long> released = Nothing;
    private EntryBatch? derived;
    private CommitCounts counts;
    private long bytes;
    private int outputs;
    private int functions;
    private int ranges = -1; // settled ones besides the first, or more, if they did not come in their order
    private long outputBytes;

    public OwnedPartition Partition => partition;

    public List<Root> Roots => roots;

    /// <summary>The sequence of the only item that it settles; null if there are several, or none.</summary>
    public long? Only
    {
        get => field ?? (!IsRound && roots is [{ } root] ? root.EntrySequence : null);
        init;
    }

    /// <summary>Whether the draft commits a whole round, and cannot be divided.</summary>
    public bool IsRound { get; init; }

    /// <summary>The changes of the counters of batches.</summary>
    public BatchTally Batches { get; } = new();

    /// <summary>Rows of the nodes' state.</summary>
    public List<StateRow> Rows { get; set; } = [];

    /// <summary>Whether there is nothing to commit.</summary>
    public bool IsEmpty => roots.TrueForAll(root => root.Staged is null) && counts.Roots == 0 && deferred.Count == 0 && derived is null
        && Rows.Count == 0;

    public CommitCounts Counts => counts;

    public List<RetryWrite> Deferred => deferred;

    /// <summary>The sequences of deferred entries that were not in flight: they wait already.</summary>
    public IReadOnlySet<long> Waited { get; private set; } = Nothing;

    /// <summary>Adds a root, unless the commit has no room for it.</summary>
    public bool TryAdd(Root root)
    {
        (int items, long size) = OutputPart.SizeOf(root);
        if (roots.Count > 0 && (Others + items > MaxParts || (!IsNext(root) && !HasRoomForRange(items))
            || outputBytes + size > StoreCommit.MaxBytes / 2)) return false;
        int more = root.Staged is null ? 0 : TransactionPart.CountOf(root);
        if (roots.Count > 0 && more > 0 && functions + more > TransactionPart.MaxInCommit) return false;
        BisectionResult? remains = null;
        RetryWrite? deferral = null;
        if (root.Park is { } why) deferral = new(root.EntrySequence, root.Attempt - 1, null, root.Headers.Node ?? "", why);
        else if (root.Failures is not null)
        {
            if (root.ShouldReplay(consecutor.Options.Delivery)) deferral = builder.Defer(root);
            else remains = builder.Of(root);
        }
        if (remains is not null)
        {
            // A root that is too large by itself is spilled.
            if (roots.Count > 0 && (Others + remains.Weight > MaxParts || bytes + remains.Length > StoreCommit.MaxBytes / 2)) return false;
            bytes += remains.Length;
        }
        else if (deferral is not null)
        {
            if (Others + StoreCommit.WeightOfRange > MaxParts) return false;
            deferred.Add(deferral);
        }
        roots.Add(root);
        functions += more;
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
        else Leave(root.EntrySequence, remains, root.Headers.Batch);
        return true;
    }

    /// <summary>Adds an item of a round that has failed, or has to wait for another item.</summary>
    public void Add(RoundItem item, RoundVerdict verdict)
    {
        counts.Roots++;
        if (verdict.Deferral is { } deferral)
        {
            deferred.Add(deferral);
            return;
        }
        settled.Add(item.Entry.Sequence);
        Leave(item.Entry.Sequence, verdict.Remains, item.Headers.Batch);
    }

    /// <summary>Adds an item of a round that has succeeded.</summary>
    public void AddEnded(Root root)
    {
        counts.Roots++;
        settled.Add(root.EntrySequence);
        CountEnded(root);
    }

    /// <summary>Adds a failed emission of a stage, or half of a list, as a new entry of the consecutor's own stream.</summary>
    public void Derive(Action<EntryBatch> write)
    {
        derived ??= new() { Stream = consecutor.Name, CodeVersion = consecutor.Options.CodeVersion, MaxEntryBytes = Emission.MaxBytes };
        write(derived);
        counts.Derived++;
        counts.Split++;
    }

    /// <summary>Whether an item of it has failed.</summary>
    public bool HasFailures => letters.Count > 0 || deferred.Count > 0 || counts.Cancelled > 0;

    /// <summary>Notes the failures of its items. Called when it is committed, before its roots are reused.</summary>
    public void Tell(ItemFailures failures)
    {
        // Items that are put aside, or wait behind another one of their key, have not failed.
        foreach (RetryWrite retry in deferred)
            if (retry.After is not null && !released.Contains(retry.Sequence)) failures.Note(retry);
        foreach (DeadLetterWrite letter in letters) failures.Note(letter);
        if (givenUp.Count == 0) return;
        foreach (Root root in roots)
            if (root.Failures is not null && givenUp.Contains(root.EntrySequence)) failures.Note(root);
    }

    /// <summary>Adds entries that need not wait any more, some of which this commit was to put aside.</summary>
    public void Release(List<RetryWrite> entries)
    {
        if (entries.Count == 0) return;
        HashSet<long> waited = [.. entries.Select(static deferral => deferral.Sequence)];
        released = waited.ToHashSet();
        HashSet<long> putAside = [.. deferred.Select(static deferral => deferral.Sequence).Where(waited.Contains)];
        deferred.RemoveAll(deferral => putAside.Contains(deferral.Sequence));
        waited.ExceptWith(putAside);
        Waited = waited;
        deferred.AddRange(entries);
    }

    /// <summary>How many more deferrals the commit has room for.</summary>
    public int RoomForDeferrals => (MaxParts - Others - Rows.Count) / StoreCommit.WeightOfRange;

    private bool IsNext(Root root) => settled.Count > 0 && settled[^1] + 1 == root.EntrySequence;

    // Entries that came in another order may make fewer ranges than were counted.
    private bool HasRoomForRange(int items)
    {
        if (Others + items + StoreCommit.WeightOfRange <= MaxParts) return true;
        ranges = Ranges([.. settled]).Count - 1;
        return Others + items + StoreCommit.WeightOfRange <= MaxParts;
    }

    private int Others => outputs + (StoreCommit.WeightOfRange * (letters.Count + deferred.Count + Math.Max(0, ranges)))
        + (derived?.Count ?? 0);

    private void Leave(long sequence, BisectionResult remains, BatchTag? batch)
    {
        Batches.End(batch, hasFailed: !remains.IsDivided);
        letters.AddRange(remains.Letters);
        counts.Letters += remains.Letters.Count;
        counts.Split += remains.Letters.Count - 1;
        // The second half first: of several due entries, the store starts the one that was derived last.
        foreach (Half half in remains.Halves.Reverse())
        {
            Derive(to => to.Add(half.Payload, default, half.Headers));
            if (half.Batch is not null) Batches.Accept(half.Batch);
        }
        if (remains.Count > 0 && !remains.HasGivenUp) return;
        givenUp.Add(sequence);
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
        State = NewBooks == partition.Counts ? Rows : [.. Rows, NewBooks.ToRow()],
        Outputs = parts.Outputs,
        Batches = Batches.Changes,
        FileLengths = parts.FileLengths,
        Attachments = parts.Attachments,
    };

    public PartitionCounts NewBooks => partition.Counts with
    {
        Completed = partition.Counts.Completed + counts.Completed,
        Skipped = partition.Counts.Skipped + counts.Skipped,
        Split = partition.Counts.Split + counts.Split,
    };

    /// <summary>Joins neighbours to ranges. Sorts the sequences.</summary>
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
