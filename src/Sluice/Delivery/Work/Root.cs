namespace Sluice;

/// <summary>An entry under way: the ticket of an accepted item, from its lease to its commit.</summary>
/// <remarks>
/// Filled by the pump; staged on and failed by any thread of the run; when nothing is outstanding it belongs to the committer, which gives it back to the pool.
/// </remarks>
internal sealed class Root(RootPool pool, EndedRoots ended) : Ticket(isFollowed: true), IStacked<Root>
{
    private PartFailure? failures;
    private StagedPart? staged;
    private Reservation? reservations;
    private EntryHeaders headers;
    private string? id;
    private string? key;
    private long outputBytes;
    private volatile bool hasTooMuch;

    public OwnedPartition Partition { get; private set; } = null!;

    public long EntrySequence { get; private set; }

    /// <summary>The number of this start, from 1.</summary>
    public int Attempt { get; private set; }

    public int Generation { get; private set; }

    /// <summary>Whether it was settled before it was started: nothing depends on how it ends.</summary>
    public bool IsFree { get; set; }

    /// <summary>The damage of its entry; null if the entry can be read.</summary>
    public LeaseDamage? Damage { get; set; }

    /// <summary>Whether it was sealed by an earlier owner: it is not run, only published (<see cref="Spiller"/>).</summary>
    public bool IsSpilled { get; private set; }

    /// <summary>Why it is put aside without being started; null if it is not.</summary>
    public string? Park { get; set; }

    /// <summary>The next one on a stack that it is on.</summary>
    public Root? Next { get; set; }

    public ref readonly EntryHeaders Headers => ref headers;

    /// <summary>The epoch that it belongs to; null where there are none.</summary>
    public Epoch? Epoch { get; private set; }

    /// <summary>Its number in the epoch, in the order of their beginnings.</summary>
    public int EpochNumber { get; private set; }

    /// <summary>The entry, in an epoch; null for what came out of a stage.</summary>
    public EpochItem? Item { get; set; }

    /// <summary>What it is, if it came out of a stage that holds or combines items.</summary>
    public Emission? Emission { get; private set; }

    /// <summary>Whether it is put aside because another one of its key is.</summary>
    public bool IsBehind { get; set; }

    /// <inheritdoc/>
    public override bool TryHoldBack()
    {
        if (Epoch is not { } epoch || !epoch.IsBehindFailed(this)) return false;
        (Park, IsBehind) = ("It waits for an item of its key that has failed and is to be tried again.", true);
        return true;
    }

    /// <summary>Whether a stage may remember something of it.</summary>
    public bool IsTouched { get; private set; }

    public override string? Key => key ?? headers.Key;

    public override string Id => id ??= headers.Id ?? Emission?.IdIn(Partition, Generation) ?? new EntryId(Generation, Partition.Owner.Group.Stream, Partition.Number, EntrySequence).ToString();

    public override bool IsPartOfList => headers.Part is { Count: > 1 };

    public override int EarlierAttempts => Attempt - 1;

    /// <summary>The newest first.</summary>
    public PartFailure? Failures => failures;

    public StagedPart? Staged => staged;

    /// <summary>The places that are kept for what it puts out. They stay its own when what was staged is dropped.</summary>
    public Reservation? Reservations => Volatile.Read(ref reservations);

    /// <summary>Whether it has put out more than an item may.</summary>
    public bool HasTooMuch => hasTooMuch;

    /// <summary>Whether places are kept for it, or for what is committed with it.</summary>
    public bool HasPlaces => Reservations is not null || Epoch is { HasPlaces: true };

    /// <summary>The bytes of headers that what it puts out gets.</summary>
    public int HeaderBytes => headers.Batch?.Headers.Length ?? 0;

    public void Begin(OwnedPartition partition, in Entry entry, in EntryHeaders known, long number)
    {
        (Partition, EntrySequence, Attempt, Generation, headers) = (partition, entry.Sequence, entry.Attempt, entry.Generation, known);
        Open(number);
    }

    /// <summary>Ends it at once if it was sealed by an earlier owner.</summary>
    public bool TrySpill()
    {
        if (Partition.FindSpill(EntrySequence) is null) return false;
        IsSpilled = true;
        Settle(Outcome.Skipped);
        return true;
    }

    /// <summary>Belongs to an epoch.</summary>
    public Root Join(Epoch epoch)
    {
        (Epoch, EpochNumber) = (epoch, epoch.Add());
        return this;
    }

    /// <summary>Stands for a stage that acts because its time has come.</summary>
    public Root BeginTick(OwnedPartition partition)
    {
        (Partition, Attempt) = (partition, 1);
        Open(0);
        return this;
    }

    public void BeginEmission(OwnedPartition partition, Emission emission, int generation)
    {
        (Partition, Emission, Attempt, Generation) = (partition, emission, 1, generation);
        Open(0);
    }

    public void SetKey(string? key) => this.key = key;

    public override StateScope Touch()
    {
        IsTouched = true;
        return Partition.Scope!;
    }

    public override void CheckKey(string key)
    {
        int partitions = Partition.Count;
        if (partitions == 1 || EntryKey.Of(key).PartitionOf(partitions) == Partition.Number) return;
        throw new InvalidOperationException(
            $"The key '{key}' belongs to partition {EntryKey.Of(key).PartitionOf(partitions)} of {Partition.Owner.Group.Stream}, and the item was accepted in partition {Partition.Number}: its state would be in several places. "
            + "Give the consecutor the same key (Consecutor.Key), or a stream of one partition (ConsecutorOptions.Stream).");
    }

    /// <summary>Any thread of the run.</summary>
    public void Stage(StagedPart part) => Stacked.Push(ref staged, part);

    /// <summary>A place is kept for it. Any thread.</summary>
    public void Keep(Reservation kept)
    {
        Stacked.Push(ref reservations, kept);
        Epoch?.KeepPlaces();
    }

    /// <summary>It was tried before it was stored, and has failed.</summary>
    public void Adopt(PartFailure earlier)
    {
        failures = earlier;
        Settle(Outcome.Failed);
    }

    /// <summary>Whether something is staged for a sink.</summary>
    public bool HasStagedFor(SinkBinding sink)
    {
        for (StagedPart? part = staged; part is not null; part = part.Next)
            if (part.Sink == sink) return true;
        return false;
    }

    /// <summary>What this attempt has staged is not to be committed.</summary>
    public void DropStaged() => staged = null;

    /// <summary>The same, unless what has succeeded of it stays.</summary>
    public void DropStagedUnless(bool stays)
    {
        if (!stays) DropStaged();
    }

    /// <summary>It has ended, and what it has become cannot be committed: it is dead as a whole.</summary>
    public void Refuse(PartFailure why)
    {
        DropStaged();
        Keep(why);
    }

    /// <summary>Counts what it puts out, or takes back. Any thread.</summary>
    /// <returns>All of it.</returns>
    public long AddOutput(long bytes) => Interlocked.Add(ref outputBytes, bytes);

    /// <summary>It has put out more than an item may: it is dead as a whole, and keeps nothing from here on. Any thread, while it is under way.</summary>
    public void RefuseTooMuch(PartFailure why)
    {
        hasTooMuch = true;
        Refuse(why);
    }

    /// <summary>Forgets everything, and goes back to the pool.</summary>
    public void Recycle()
    {
        reservations = null;
        (failures, staged, id, Next, Park, IsFree, IsSpilled) = (null, null, null, null, null, false, false);
        (Damage, outputBytes, hasTooMuch) = (null, 0, false);
        headers = default;
        (Epoch, Item, Emission, key, IsBehind, IsTouched) = (null, null, null, null, false, false);
        pool.Return(this);
    }

    protected override void Keep(PartFailure failure)
    {
        Stacked.Push(ref failures, failure);
        Epoch?.HasFailed(this);
    }

    protected override void OnSettled()
    {
        if (Epoch is { } epoch) epoch.End(this);
        else ended.Add(this);
    }
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
        Stacked.Push(ref newest, root);
        committer.Set();
    }

    /// <summary>Takes all that have ended since the last time, in the order of their ends. The committer's.</summary>
    public void TakeAll(List<Root> into)
    {
        for (Root? root = Interlocked.Exchange(ref newest, null); root is not null; root = root.Next) into.Add(root);
        into.Reverse();
    }
}
