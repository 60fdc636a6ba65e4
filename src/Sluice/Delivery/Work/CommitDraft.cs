namespace Sluice;

/// <summary>A commit in the making: decides what becomes of roots that have ended, and adds it up.</summary>
internal sealed class CommitDraft(ConsecutorCore core, OwnedPartition partition)
{
    private const int MaxParts = StoreCommit.MaxItems - 1;            // one for the books

    private readonly List<Root> roots = [];
    private readonly List<long> settled = [];
    private readonly List<Deferral> deferred = [];
    private readonly List<Burial> letters = [];
    private EntryBatch? derived;
    private CommitCounts counts;
    private long bytes;
    private int outputs;
    private long outputBytes;

    public OwnedPartition Partition => partition;

    public List<Root> Roots => roots;

    /// <summary>Whether it is of a whole epoch, and cannot be divided.</summary>
    public bool IsEpoch { get; init; }

    /// <summary>What changes in the counters of batches.</summary>
    public BatchTally Batches { get; } = new();

    /// <summary>Rows of the nodes' state.</summary>
    public List<StateRow> Rows { get; set; } = [];

    /// <summary>Whether there is nothing to commit.</summary>
    public bool IsEmpty => roots.TrueForAll(root => root.Staged is null) && counts.Roots == 0 && deferred.Count == 0 && derived is null && Rows.Count == 0;

    public CommitCounts Counts => counts;

    public List<Deferral> Deferred => deferred;

    /// <summary>Adds a root, unless the commit has no room for it.</summary>
    public bool TryAdd(Root root)
    {
        (int items, long size) = OutputPart.SizeOf(root);
        if (roots.Count > 0 && (outputs + items + letters.Count + deferred.Count > MaxParts || outputBytes + size > StoreCommit.MaxBytes / 2)) return false;
        List<Burial>? burials = null;
        Deferral? deferral = null;
        if (root.Park is { } why) deferral = new(root.EntrySequence, root.Attempt - 1, null, root.Headers.Node ?? "", why);
        else if (root.Failures is not null)
        {
            if (Verdict.ShouldReplay(core, root)) deferral = Verdict.Defer(core, root);
            else if (core.Options.Delivery.Level != DeliveryLevel.Confirm) burials = Verdict.Bury(core, root);
        }
        if (burials is not null)
        {
            long more = burials.Sum(letter => (letter.Payload?.Length ?? 0L) + (letter.Headers?.Length ?? 0L));
            if (outputs + letters.Count + deferred.Count + burials.Count > MaxParts || bytes + more > StoreCommit.MaxBytes / 2)
            {
                if (roots.Count > 0) return false;
                burials = [Verdict.BuryWhole(core, root)];            // too much by itself: one letter, which begins anew
                more = 0;
            }
            bytes += more;
            letters.AddRange(burials);
        }
        else if (deferral is not null)
        {
            if (outputs + letters.Count + deferred.Count + 1 > MaxParts) return false;
            deferred.Add(deferral);
        }
        roots.Add(root);
        counts.Roots++;
        if (deferral is not null)
        {
            root.DropStaged();
            return true;
        }
        settled.Add(root.EntrySequence);
        (outputs, outputBytes) = (outputs + items, outputBytes + size);
        if (root.Failures is null)
        {
            CountEnded(root);
            return true;
        }
        Batches.End(root.Headers.Batch, hasFailed: true);
        if (burials is not null) Count(burials);
        else counts.Cancelled++;
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
        Batches.End(item.Headers.Batch, hasFailed: true);
        letters.AddRange(verdict.Letters);
        if (verdict.Letters.Count == 0) counts.Cancelled++;
        else Count(verdict.Letters);
    }

    /// <summary>Adds an item of an epoch that has gone through.</summary>
    public void AddEnded(Root root)
    {
        counts.Roots++;
        settled.Add(root.EntrySequence);
        CountEnded(root);
    }

    /// <summary>Adds what came out of stages of an epoch and has failed: from here on these are entries like others.</summary>
    public void Derive(EntryBatch? failed)
    {
        derived = failed;
        counts.Derived = failed?.Count ?? 0;
        counts.Split += counts.Derived;
    }

    /// <summary>Adds entries that need not wait any more; also some that were to be put aside by this commit.</summary>
    public void Release(List<Deferral> released)
    {
        if (released.Count == 0) return;
        HashSet<long> sequences = [.. released.Select(deferral => deferral.Sequence)];
        deferred.RemoveAll(deferral => sequences.Contains(deferral.Sequence));
        deferred.AddRange(released);
    }

    private void Count(IReadOnlyCollection<Burial> burials)
    {
        counts.Letters += burials.Count;
        counts.Split += burials.Count - 1;
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
        Settled = Ranges(),
        Deferred = deferred,
        Dead = letters,
        Derived = derived,
        State = NewBooks == partition.Books ? Rows : [.. Rows, NewBooks.ToRow()],
        Outputs = parts.Outputs,
        Batches = Batches.Changes,
        FileLengths = parts.FileLengths,
        Attachments = parts.Attachments,
    };

    public PartitionBooks NewBooks => new(
        partition.Books.Completed + counts.Completed, partition.Books.Skipped + counts.Skipped, partition.Books.Split + counts.Split);

    private List<SequenceRange> Ranges()
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
