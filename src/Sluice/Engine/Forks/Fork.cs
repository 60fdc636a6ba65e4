namespace Sluice;

/// <summary>
/// The ticket of an item inside of the branches of a fork-join: counts what is outstanding of it there, and holds what comes out of them. It has one part of the item's own ticket until the join is done with it.
/// </summary>
/// <remarks>
/// Outputs of one branch are added by that branch; failures come from any thread. When nothing is outstanding, it belongs to the join. What an item's branches fail with, the item fails with as a whole: it could not enter
/// again in the middle of a branch, as the other branches would be missing then.
/// </remarks>
internal abstract class Fork(IForkJoin join, int branches) : Ticket
{
    private readonly object?[] outputs = new object?[branches];
    private int failed;
    private bool leftOut;

    /// <summary>The one behind it, on its way to the join.</summary>
    public Fork? Behind;

    /// <summary>The item's own ticket; null where the run does not follow its items.</summary>
    public Ticket? Parent { get; private set; }

    /// <summary>Whether a branch has failed with the item: then nothing is made of it.</summary>
    public bool HasFailed => Volatile.Read(ref failed) != 0;

    /// <summary>Whether a failure was passed over (<see cref="ErrorPolicy.Skip"/>). The join's.</summary>
    public bool HasSkippedFailure => leftOut || Outcome == Outcome.Failed;

    public sealed override Ticket Whole => Parent?.Whole ?? this;

    public sealed override string? Id => Parent?.Id;

    public sealed override int EarlierAttempts => Parent?.EarlierAttempts ?? 0;

    public sealed override string? Key => Parent?.Key;

    public sealed override StateScope Touch() => Parent is null ? base.Touch() : Parent.Touch();

    public sealed override void CheckKey(string key) => Parent?.CheckKey(key);

    /// <summary>The item goes into another branch, when it has ended in the one before.</summary>
    public void Reopen()
    {
        leftOut |= Outcome == Outcome.Failed;
        Open(Sequence);
    }

    /// <summary>Something has come out of a branch. The item's part is settled after that.</summary>
    public void Put<TPart>(int branch, TPart output)
    {
        ref object? known = ref outputs[branch];
        if (known is List<TPart> several) several.Add(output);
        else if (known is TPart[] one) known = new List<TPart> { one[0], output };
        else known = new[] { output };
    }

    /// <summary>What has come out of a branch, in the order in which it came. The join's.</summary>
    public IReadOnlyList<TPart> Take<TPart>(int branch) => (IReadOnlyList<TPart>?)outputs[branch] ?? [];

    /// <summary>How much has come out of all branches. The join's.</summary>
    public int CountOutputs()
    {
        int count = 0;
        foreach (object? some in outputs)
            if (some is System.Collections.ICollection known) count += known.Count;
        return count;
    }

    public sealed override void Fail(PipelineException failure, bool isPartial, bool isFinal, int attempts, bool isDivisible)
    {
        bool isFirst = Interlocked.Exchange(ref failed, 1) == 0;
        if (!join.GoesOn && !isFinal)
        {
            if (isFirst) Parent?.Fail(failure, isPartial: true);
            return;                                  // the run ends with it; what came behind it must not seem to be next
        }
        if (Parent is { } parent)
        {
            parent.Add(1);
            parent.Fail(failure, isPartial: true, isFinal, attempts);
        }
        Settle(Outcome.Failed);
    }

    protected sealed override void OnSettled() => join.Ended(this);

    protected void Begin(Ticket? parent, int parts, bool isTold)
    {
        (Parent, Source, TellsEnd) = (parent, parent?.Source ?? 0, isTold);
        (failed, leftOut) = (0, false);
        Open(parent?.Sequence ?? 0);
        if (parts > 1) Add(parts - 1);
    }

    /// <summary>Nothing is to be kept of it.</summary>
    protected void Clear()
    {
        Parent = null;
        outputs.AsSpan().Clear();
    }
}

/// <summary>The same with the item.</summary>
internal sealed class Fork<T>(IForkJoin join, int branches) : Fork(join, branches)
{
    public T Item { get; private set; } = default!;

    /// <summary>Begins with an item.</summary>
    /// <param name="item">The item.</param>
    /// <param name="parent">Its ticket.</param>
    /// <param name="parts">How many parts of it there are at first.</param>
    /// <param name="isTold">Whether the join wants to be told when they have ended.</param>
    /// <returns>This.</returns>
    public Fork<T> Begin(T item, Ticket? parent, int parts, bool isTold)
    {
        Item = item;
        Begin(parent, parts, isTold);
        return this;
    }

    /// <summary>It is joined.</summary>
    public void End()
    {
        Item = default!;
        Clear();
    }
}

/// <summary>Where the parts of an item come together again.</summary>
internal interface IForkJoin
{
    /// <summary>Whether the run goes on after failures of items.</summary>
    bool GoesOn { get; }

    /// <summary>Nothing is outstanding of an item in the branches. Any thread.</summary>
    void Ended(Fork fork);

    /// <summary>No more will come out of a branch. Any thread.</summary>
    void BranchEnded();
}
