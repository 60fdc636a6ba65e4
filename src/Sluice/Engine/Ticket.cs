using System.Diagnostics;

namespace Sluice.Engine;

/// <summary>The outcome of a root item. The largest one wins if parts of an item ended differently.</summary>
internal enum Outcome
{
    Skipped,
    Completed,
    Failed,

    /// <summary>The item has not ended: it is tracked by number, without its ticket (<see cref="Ticket.Leave"/>).</summary>
    Numbered,
}

/// <summary>
/// Counts the outstanding parts of one root item, through maps, filters, fan-outs and merges. It settles when no part is outstanding.
/// An operator that holds or combines items settles the items that it takes.
/// </summary>
/// <remarks>
/// Thread-safe: several islands may hold parts of one root. Its <see cref="TicketRing"/> reuses a settled ticket; the caller that
/// settled the last part must not touch it again.
/// </remarks>
internal class Ticket
{
    private readonly bool isFollowed;
    private bool tellsEnd;
    private bool isCut;
    private int outstanding;
    private int outcome;

    public Ticket() { }

    /// <param name="isFollowed">Whether to call <see cref="OnSettled"/> and <see cref="Keep"/>.</param>
    protected Ticket(bool isFollowed) => this.isFollowed = tellsEnd = isFollowed;

    /// <summary>The number of the root item within its source, from 0.</summary>
    public long Sequence { get; private set; }

    /// <summary>The node of the source.</summary>
    public int Source { get; protected set; }

    /// <summary>The id of the root item for effects outside; null if it has no id that outlives the run.</summary>
    public virtual string? Id => null;

    /// <summary>The number of earlier attempts at the root item, outside of the current stage.</summary>
    public virtual int EarlierAttempts => 0;

    /// <summary>The span of the present attempt at the root item; null if it is not traced.</summary>
    public virtual Activity? Trace => null;

    /// <summary>Whether the item is a list of several items, cut from a larger list.</summary>
    public virtual bool IsPartOfList => false;

    /// <summary>The ticket of the whole root item; another ticket if this one counts a part of it (<see cref="Fork"/>).</summary>
    public virtual Ticket Whole => this;

    /// <summary>The stored state of the item's partition. Called when a stateful stage is given the item.</summary>
    /// <exception cref="InvalidOperationException">The item has no partition.</exception>
    public virtual StateScope Touch() => throw new InvalidOperationException("An item that is of no partition cannot be remembered.");

    /// <summary>Checks that the state of a key is kept in the partition of this item.</summary>
    /// <exception cref="InvalidOperationException">It is kept in another partition.</exception>
    public virtual void CheckKey(string key) { }

    /// <summary>The key of the state that the item meets in a node without a key of its own; empty if the item has none.</summary>
    /// <exception cref="InvalidOperationException">The key is not known.</exception>
    public virtual string StateKey => "";

    /// <summary>Holds the item back if an earlier item of its key has failed and will be retried. Any thread.</summary>
    /// <returns>Whether the item is held back. The caller then settles its part and does not pass it on.</returns>
    public virtual bool TryHoldBack() => false;

    public bool IsSettled => Volatile.Read(ref outstanding) == 0;

    /// <summary>Whether to call <see cref="OnSettled"/>; false if the owner checks anyway at the end of a push.</summary>
    protected bool TellsEnd
    {
        set => tellsEnd = value;
    }

    /// <summary>Whether the item is in flight in one part, without any other record.</summary>
    protected bool IsPlain => Volatile.Read(ref outstanding) == 1 && outcome == (int)Outcome.Skipped;

    public Outcome Outcome => (Outcome)Volatile.Read(ref outcome);

    /// <summary>Whether exactly <paramref name="parts"/> parts are outstanding. If the caller holds them all, no more can come.</summary>
    public bool IsHeldBy(int parts) => Volatile.Read(ref outstanding) == parts;

    /// <summary>
    /// Whether a part of the item was left out, so that another run has to make the item again. Read <see cref="IsHeldBy"/> first: a part
    /// is marked before it settles.
    /// </summary>
    public bool IsCut => Volatile.Read(ref isCut);

    /// <summary>
    /// Records that a part was left out: the run fails there, or a stage takes no more items. Called by the holder of the part, before it
    /// settles.
    /// </summary>
    /// <param name="isFailure">Whether the run fails there.</param>
    public virtual void Cut(bool isFailure = false) => Volatile.Write(ref isCut, true);

    public static Ticket For(int source) => new() { Source = source };

    public void Open(long sequence)
    {
        Sequence = sequence;
        isCut = false;
        outcome = (int)Outcome.Skipped;
        Volatile.Write(ref outstanding, 1);
    }

    /// <summary>Adds <paramref name="more"/> parts to the one there was.</summary>
    public void Add(int more) => Interlocked.Add(ref outstanding, more);

    /// <summary>Ends one part.</summary>
    public void Settle(Outcome end)
    {
        // The holder of the only part is alone with the ticket: no other thread can add to it or settle it.
        if (Volatile.Read(ref outstanding) == 1)
        {
            if (outcome < (int)end) outcome = (int)end;
            Volatile.Write(ref outstanding, 0);
            if (tellsEnd) OnSettled();
            return;
        }
        int known = Volatile.Read(ref outcome);
        while (known < (int)end)
        {
            int found = Interlocked.CompareExchange(ref outcome, (int)end, known);
            if (found == known) break;
            known = found;
        }
        if (Interlocked.Decrement(ref outstanding) == 0 && tellsEnd) OnSettled();
    }

    /// <summary>Ends the ticket because the item is tracked by its number from here on.</summary>
    protected void Close()
    {
        outcome = (int)Outcome.Numbered;
        Volatile.Write(ref outstanding, 0);
    }

    /// <summary>Fails one part. Its stage will not retry it.</summary>
    /// <param name="failure">The failure.</param>
    /// <param name="isPartial">Whether the stage has already put something out for the item.</param>
    /// <param name="isFinal">Whether the stage's policy forbids further attempts.</param>
    /// <param name="attempts">The number of attempts that the stage made.</param>
    /// <param name="isDivisible">Whether the item is a list to divide rather than give up.</param>
    public virtual void Fail(PipelineException failure, bool isPartial = false, bool isFinal = false, int attempts = 1,
        bool isDivisible = false)
    {
        if (isFollowed)
        {
            failure.IsKept = true;
            Keep(new(failure, isPartial, isFinal, attempts) { IsDivisible = isDivisible });
        }
        if (!isFinal) Cut(isFailure: true);
        Settle(Outcome.Failed);
    }

    /// <summary>
    /// Exchanges the ticket for a number before the item enters a boundary, if nothing else is recorded about the item. The item then no
    /// longer owns the ticket. Called by the holder of the only part.
    /// </summary>
    /// <param name="items">The set that the number belongs to.</param>
    /// <returns>The item's number; zero if it keeps the ticket.</returns>
    public virtual int Leave(out NumberedItems? items)
    {
        items = null;
        return 0;
    }

    /// <summary>Records the failure of a part. Any thread.</summary>
    protected virtual void Keep(PartFailure failure) { }

    /// <summary>
    /// Called when no part is outstanding, by the caller that settled the last one; the ticket may be reused from then on.
    /// </summary>
    protected virtual void OnSettled() { }
}

/// <summary>The failure of a part of a root item.</summary>
/// <param name="Cause">The failure, with the node and the item as it entered the node.</param>
/// <param name="IsPartial">Whether the node has already put something out for the item.</param>
/// <param name="IsFinal">Whether the item must not be retried.</param>
/// <param name="Attempts">The number of attempts that the node made.</param>
internal sealed record PartFailure(PipelineException Cause, bool IsPartial, bool IsFinal, int Attempts) : IStacked<PartFailure>
{
    private bool? isRetried;

    /// <summary>The failure, with the node and the item as it entered the node.</summary>
    public PipelineException Cause { get; private set; } = Cause;

    /// <summary>The shortest wait before the next attempt, once <see cref="IsRetried"/> is known.</summary>
    public TimeSpan LeastWait { get; private set; }

    /// <summary>Whether the item is a list of several items, to be divided instead of given up.</summary>
    public bool IsDivisible { get; init; }

    public PartFailure? Next { get; set; }

    /// <summary>Whether the item may be retried. Asks the functions of the backoff once.</summary>
    public bool IsRetried(Backoff backoff)
    {
        if (IsFinal) return false;
        if (isRetried is { } known) return known;
        Exception cause = Cause.InnerException!;
        isRetried = backoff.Retries(ref cause, out TimeSpan least);
        LeastWait = least;
        if (cause != Cause.InnerException) Cause = new(Cause.Node, Cause.Item, cause, Cause.Index, isAboutItem: Cause.Item is not null);
        return isRetried.Value;
    }
}
