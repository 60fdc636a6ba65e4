namespace Sluice;

/// <summary>An entry under way: the ticket of an accepted item, from its lease to its commit.</summary>
/// <remarks>
/// Filled by the pump; staged on and failed by any thread of the run; when nothing is outstanding it belongs to the committer, which gives it back to the pool.
/// </remarks>
internal sealed class Root(RootPool pool, EndedRoots ended) : Ticket(isFollowed: true)
{
    private PartFailure? failures;
    private StagedPart? staged;
    private EntryHeaders headers;
    private string? id;

    public OwnedPartition Partition { get; private set; } = null!;

    public long EntrySequence { get; private set; }

    /// <summary>The number of this start, from 1.</summary>
    public int Attempt { get; private set; }

    public int Generation { get; private set; }

    /// <summary>Whether it was settled before it was started: nothing depends on how it ends.</summary>
    public bool IsFree { get; set; }

    /// <summary>Why it is put aside without being started; null if it is not.</summary>
    public string? Park { get; set; }

    /// <summary>The next one on a stack that it is on.</summary>
    public Root? Behind { get; set; }

    public ref readonly EntryHeaders Headers => ref headers;

    public override string Id => id ??= headers.Id ?? new EntryId(Generation, Partition.Owner.Group.Stream, Partition.Number, EntrySequence).ToString();

    public override int EarlierAttempts => Attempt - 1;

    /// <summary>The newest first.</summary>
    public PartFailure? Failures => failures;

    public StagedPart? Staged => staged;

    public void Begin(OwnedPartition partition, in Entry entry, in EntryHeaders known, long number)
    {
        (Partition, EntrySequence, Attempt, Generation, headers) = (partition, entry.Sequence, entry.Attempt, entry.Generation, known);
        Open(number);
    }

    /// <summary>Any thread of the run.</summary>
    public void Stage(StagedPart part) => Stacked.Push(ref staged, part);

    /// <summary>It was tried before it was stored, and has failed.</summary>
    public void Adopt(PartFailure earlier)
    {
        failures = earlier;
        Settle(Outcome.Failed);
    }

    /// <summary>What this attempt has staged is not to be committed.</summary>
    public void DropStaged() => staged = null;

    /// <summary>It has ended, and what it has become cannot be committed: it is dead as a whole.</summary>
    public void Refuse(PartFailure why)
    {
        DropStaged();
        Keep(why);
    }

    /// <summary>Forgets everything, and goes back to the pool.</summary>
    public void Recycle()
    {
        (failures, staged, id, Behind, Park, IsFree) = (null, null, null, null, null, false);
        headers = default;
        pool.Return(this);
    }

    protected override void Keep(PartFailure failure) => Stacked.Push(ref failures, failure);

    protected override void OnSettled() => ended.Add(this);
}

/// <summary>Roots that are not in use. Thread-safe.</summary>
internal sealed class RootPool(EndedRoots ended)
{
    private readonly Lock sync = new();
    private readonly Stack<Root> unused = new();

    public Root Rent()
    {
        lock (sync)
        {
            if (unused.TryPop(out Root? root)) return root;
        }
        return new(this, ended);
    }

    public void Return(Root root)
    {
        lock (sync) unused.Push(root);
    }
}

/// <summary>Roots of which nothing is outstanding any more, on their way to the committer.</summary>
internal sealed class EndedRoots(Signal committer)
{
    private Root? newest;

    /// <summary>Any thread.</summary>
    public void Add(Root root)
    {
        Root? seen = Volatile.Read(ref newest);
        while (true)
        {
            root.Behind = seen;
            Root? found = Interlocked.CompareExchange(ref newest, root, seen);
            if (ReferenceEquals(found, seen)) break;
            seen = found;
        }
        committer.Set();
    }

    /// <summary>Takes all that have ended since the last time, in the order of their ends. The committer's.</summary>
    public void TakeAll(List<Root> into)
    {
        for (Root? root = Interlocked.Exchange(ref newest, null); root is not null; root = root.Behind) into.Add(root);
        into.Reverse();
    }
}
