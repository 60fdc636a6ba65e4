using System.Diagnostics;

namespace Sluice.Engine;

/// <summary>
/// The ticket of an item inside the branches of a fork-join: counts its outstanding parts there, and holds the outputs of the branches.
/// It holds one part of the item's own ticket until the join has finished with it.
/// </summary>
/// <remarks>
/// Each branch adds its own outputs; failures come from any thread. Once settled, the fork belongs to the join. If a branch fails, the
/// item fails as a whole: it could not re-enter in the middle of a branch, because the outputs of the other branches would be missing.
/// </remarks>
internal abstract class Fork(IForkJoin join, int branches) : Ticket
{
    private readonly object?[] outputs = new object?[branches];
    private int failed;
    private bool leftOut;

    /// <summary>The next fork in the join's queue.</summary>
    public Fork? Behind;

    /// <summary>The item's own ticket; null if the run does not track its items.</summary>
    public Ticket? Parent { get; private set; }

    /// <summary>Whether a branch has failed; the item then has no result.</summary>
    public bool HasFailed => Volatile.Read(ref failed) != 0;

    /// <summary>Whether a failure was skipped (<see cref="ErrorPolicy.Skip"/>). For the join.</summary>
    public bool HasSkippedFailure => leftOut || Outcome == Outcome.Failed;

    public sealed override Ticket Whole => Parent?.Whole ?? this;

    public sealed override string? Id => Parent?.Id;

    public sealed override int EarlierAttempts => Parent?.EarlierAttempts ?? 0;

    public sealed override Activity? Trace => Parent?.Trace;

    public sealed override string StateKey => Parent?.StateKey ?? "";

    public sealed override StateScope Touch() => Parent is null ? base.Touch() : Parent.Touch();

    public sealed override void CheckKey(string key) => Parent?.CheckKey(key);

    /// <summary>Opens the fork for the next branch, after the item has ended in the one before.</summary>
    public void Reopen()
    {
        leftOut |= Outcome == Outcome.Failed;
        Open(Sequence);
    }

    /// <summary>Adds an output of a branch. The caller settles the part afterwards.</summary>
    public void Put<TPart>(int branch, TPart output)
    {
        ref object? known = ref outputs[branch];
        if (known is List<TPart> several) several.Add(output);
        else if (known is TPart[] one) known = new List<TPart> { one[0], output };
        else known = new[] { output };
    }

    /// <summary>The outputs of a branch, in the order they were added. For the join.</summary>
    public IReadOnlyList<TPart> Take<TPart>(int branch) => (IReadOnlyList<TPart>?)outputs[branch] ?? [];

    /// <summary>The number of outputs of all branches. For the join.</summary>
    public int CountOutputs()
    {
        int count = 0;
        foreach (object? some in outputs)
            if (some is System.Collections.ICollection known) count += known.Count;
        return count;
    }

    public sealed override void Cut(bool isFailure) => Parent?.Cut(isFailure);

    public sealed override void Fail(PipelineException failure, bool isPartial, bool isFinal, int attempts, bool isDivisible)
    {
        bool isFirst = Interlocked.Exchange(ref failed, 1) == 0;
        if (!join.GoesOn && !isFinal)
        {
            if (isFirst) Parent?.Fail(failure, isPartial: true);
            return;                                  // not settled: the run fails, and no later item may overtake
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

    /// <summary>Clears everything that the item has left here.</summary>
    protected void Clear()
    {
        Parent = null;
        outputs.AsSpan().Clear();
    }
}

/// <summary>A fork with its item.</summary>
internal sealed class Fork<T>(IForkJoin join, int branches) : Fork(join, branches)
{
    public T Item { get; private set; } = default!;

    /// <summary>Begins with an item.</summary>
    /// <param name="item">The item.</param>
    /// <param name="parent">The item's ticket.</param>
    /// <param name="parts">The initial number of parts.</param>
    /// <param name="isTold">Whether to tell the join when all parts have ended.</param>
    /// <returns>This fork.</returns>
    public Fork<T> Begin(T item, Ticket? parent, int parts, bool isTold)
    {
        Item = item;
        Begin(parent, parts, isTold);
        return this;
    }

    /// <summary>Ends the fork after the join.</summary>
    public void End()
    {
        Item = default!;
        Clear();
    }
}

/// <summary>Joins the parts of an item.</summary>
internal interface IForkJoin
{
    /// <summary>Whether the run continues after failures of items.</summary>
    bool GoesOn { get; }

    /// <summary>An item has no outstanding part in the branches. Any thread.</summary>
    void Ended(Fork fork);

    /// <summary>A branch has completed. Any thread.</summary>
    void BranchEnded();
}
