namespace Sluice;

/// <summary>The ticket of an item that is in no store, while it is on its way between boundaries, or out of the ordinary.</summary>
internal abstract class LocalTicket<T>(LocalItems<T> owner) : Ticket(isFollowed: true)
{
    private int index;
    private PartFailure? failures;

    public LocalSegment<T> Segment { get; private set; } = null!;

    public T Item => Segment.Items[index];

    public override string Id => owner.IdOf(Segment.First + index);

    protected LocalItems<T> Owner => owner;

    public virtual void Begin(LocalSegment<T> segment, int at)
    {
        if (Segment != segment) Segment = segment;
        index = at;
        Open(segment.First + at);
    }

    public override int Leave(out NumberedItems? items)
    {
        items = owner;
        if (!IsPlain || failures is not null) return 0;
        int number = Segment.NumberOf(index);
        Close();
        return number;
    }

    /// <summary>What is known of its failures goes with the item.</summary>
    public PartFailure? TakeFailures()
    {
        PartFailure? taken = failures;
        failures = null;
        return taken;
    }

    protected sealed override void Keep(PartFailure failure) => Stacked.Push(ref failures, failure);
}

/// <summary>A ticket of the pump's, which looks at it when its push has returned. One that its item has taken along it looks at again and again.</summary>
/// <remarks>So settling one costs no fence. That the pump sleeps, and that somebody settles, meet by a barrier of the pump's.</remarks>
internal sealed class PumpTicket<T> : LocalTicket<T>
{
    public PumpTicket(LocalItems<T> owner) : base(owner)
    {
        TellsEnd = false;
        Close();
    }

    /// <summary>Whether there is an item whose end is to be counted.</summary>
    public bool HasEnded => IsSettled && Outcome != Outcome.Numbered;

    /// <summary>The end of its item is counted.</summary>
    public void Forget() => Close();

    /// <summary>Whether its item has taken it along: then its end wakes the pump.</summary>
    public bool IsTakenAlong
    {
        set => TellsEnd = value;
    }

    protected override void OnSettled() => Owner.WakeForTicket();
}

/// <summary>A ticket for items that come out of a boundary. It counts the end of its item, and is used for one after the other.</summary>
/// <remarks>
/// If the item has not ended, nor is in a boundary, when its push has returned, it takes the ticket along: who had it, and who settles it, agree by one
/// exchange on who lets it go.
/// </remarks>
internal sealed class IslandTicket<T>(LocalItems<T> owner) : LocalTicket<T>(owner)
{
    private const int InUse = 0, Free = 1, TakenAlong = 2;

    private int state;

    /// <summary>For whoever had it: whether it is his again. If not, it is nobody's until its item ends.</summary>
    public bool TryReuse() => Volatile.Read(ref state) == Free || Interlocked.Exchange(ref state, TakenAlong) == Free;

    public override void Begin(LocalSegment<T> segment, int at)
    {
        state = InUse;
        base.Begin(segment, at);
    }

    /// <summary>For an item that takes it along.</summary>
    public void GiveAway() => state = TakenAlong;

    public override int Leave(out NumberedItems? items)
    {
        int number = base.Leave(out items);
        if (number != 0) LetGo();
        return number;
    }

    protected override void OnSettled()
    {
        Owner.End(this);
        LetGo();
    }

    private void LetGo()
    {
        if (Interlocked.Exchange(ref state, Free) == TakenAlong) Owner.Return(this);
    }
}
