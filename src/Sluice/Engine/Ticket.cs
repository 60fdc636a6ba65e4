namespace Sluice;

/// <summary>How a root item ended. The larger one wins where an item had several ends.</summary>
internal enum Outcome
{
    Skipped,
    Completed,
    Failed,

    /// <summary>It has not ended: it goes on without its ticket (<see cref="Ticket.Leave"/>).</summary>
    Numbered,
}

/// <summary>
/// What is still outstanding of one root item: of what a source produced, through maps, filters, fan-outs and merges.
/// Settles when nothing is. An operator that holds or combines items settles what it takes in.
/// </summary>
/// <remarks>
/// Thread-safe: several islands may hold parts of one root. A ticket is reused by its <see cref="TicketRing"/> once it
/// has settled; whoever settled the last part must not touch it again.
/// </remarks>
internal class Ticket
{
    private readonly bool isFollowed;
    private bool tellsEnd;
    private int outstanding;
    private int outcome;

    public Ticket() { }

    /// <param name="isFollowed">Whether <see cref="OnSettled"/> and <see cref="Keep"/> are to be called.</param>
    protected Ticket(bool isFollowed) => this.isFollowed = tellsEnd = isFollowed;

    /// <summary>The number of the root item within its source, from 0.</summary>
    public long Sequence { get; private set; }

    /// <summary>The node of the source.</summary>
    public int Source { get; protected set; }

    /// <summary>The id that effects outside know the root item by, where it has one that outlives the run; else null.</summary>
    public virtual string? Id => null;

    /// <summary>How many times the root item was tried before, by others than the stage it is in.</summary>
    public virtual int EarlierAttempts => 0;

    /// <summary>Whether it is a list of several items, which is part of a larger one that was divided.</summary>
    public virtual bool IsPartOfList => false;

    /// <summary>The ticket of the whole root item: another one where this one counts a part of it (<see cref="Fork"/>).</summary>
    public virtual Ticket Whole => this;

    /// <summary>A stage that remembers something is given the item: what it remembers of the item's partition.</summary>
    /// <exception cref="InvalidOperationException">The item is of no partition.</exception>
    public virtual StateScope Touch() => throw new InvalidOperationException("An item that is of no partition cannot be remembered.");

    /// <summary>Checks that the state of a key is kept in the partition of this item.</summary>
    /// <exception cref="InvalidOperationException">It is kept in another one.</exception>
    public virtual void CheckKey(string key) { }

    /// <summary>The key that the item was accepted with; null if it has none.</summary>
    public virtual string? Key => null;

    /// <summary>Holds the item back if an earlier item of its key has failed and will be tried again. Any thread.</summary>
    /// <returns>Whether the item is held back. Then the caller settles its part and does not hand it on.</returns>
    public virtual bool TryHoldBack() => false;

    public bool IsSettled => Volatile.Read(ref outstanding) == 0;

    /// <summary>Whether <see cref="OnSettled"/> is called; not where somebody looks anyway, at the end of a push.</summary>
    protected bool TellsEnd
    {
        set => tellsEnd = value;
    }

    /// <summary>Whether nothing is known of the item but that it is under way, in one part.</summary>
    protected bool IsPlain => Volatile.Read(ref outstanding) == 1 && outcome == (int)Outcome.Skipped;

    public Outcome Outcome => (Outcome)Volatile.Read(ref outcome);

    /// <summary>Whether nothing is outstanding but so many parts. For whoever holds them: then no more can come.</summary>
    public bool IsHeldBy(int parts) => Volatile.Read(ref outstanding) == parts;

    public static Ticket For(int source) => new() { Source = source };

    public void Open(long sequence)
    {
        Sequence = sequence;
        outcome = (int)Outcome.Skipped;
        Volatile.Write(ref outstanding, 1);
    }

    /// <summary>The item has become several: <paramref name="more"/> parts beside the one there was.</summary>
    public void Add(int more) => Interlocked.Add(ref outstanding, more);

    /// <summary>One part has ended.</summary>
    public void Settle(Outcome end)
    {
        // Whoever holds the only part is alone with the ticket: nobody else can add to it or settle it.
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

    /// <summary>The item is followed by its number from here on.</summary>
    protected void Close()
    {
        outcome = (int)Outcome.Numbered;
        Volatile.Write(ref outstanding, 0);
    }

    /// <summary>One part has failed, for good so far as its stage is concerned.</summary>
    /// <param name="failure">How.</param>
    /// <param name="isPartial">Whether the stage has put something out for it before.</param>
    /// <param name="isFinal">Whether the stage's policy says that it is not to be tried again.</param>
    /// <param name="attempts">How often the stage has tried.</param>
    /// <param name="isDivisible">Whether it is a list that is to be divided rather than given up.</param>
    public virtual void Fail(PipelineException failure, bool isPartial = false, bool isFinal = false, int attempts = 1, bool isDivisible = false)
    {
        if (isFollowed)
        {
            failure.IsKept = true;
            Keep(new(failure, isPartial, isFinal, attempts) { IsDivisible = isDivisible });
        }
        Settle(Outcome.Failed);
    }

    /// <summary>
    /// Going into a boundary, where a number does as well as a ticket if there is nothing to know of the item: then the ticket is not
    /// the item's any more. Called by whoever has the only part.
    /// </summary>
    /// <param name="items">Those that the item is one of.</param>
    /// <returns>Its number; zero where it keeps the ticket.</returns>
    public virtual int Leave(out NumberedItems? items)
    {
        items = null;
        return 0;
    }

    /// <summary>Remembers a failure of a part. Any thread.</summary>
    protected virtual void Keep(PartFailure failure) { }

    /// <summary>Nothing is outstanding any more. Called by whoever settled the last part; from here on the ticket may be reused.</summary>
    protected virtual void OnSettled() { }
}

/// <summary>How a part of a root item failed.</summary>
/// <param name="Cause">The failure, with the node and the item as it entered it.</param>
/// <param name="IsPartial">Whether the node has put something out for the item before.</param>
/// <param name="IsFinal">Whether it is not to be tried again.</param>
/// <param name="Attempts">How often the node has tried.</param>
internal sealed record PartFailure(PipelineException Cause, bool IsPartial, bool IsFinal, int Attempts) : IStacked<PartFailure>
{
    /// <summary>Whether it is a list of several items, to be divided when it is not to be tried again.</summary>
    public bool IsDivisible { get; init; }

    public PartFailure? Next { get; set; }
}
