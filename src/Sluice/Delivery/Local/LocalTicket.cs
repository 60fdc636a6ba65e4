namespace Sluice.Delivery;

/// <summary>The ticket of an item without a store, between boundaries or after an unusual event such as a failure.</summary>
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

    /// <summary>Takes the failures of the item, which go on with it.</summary>
    public PartFailure? TakeFailures()
    {
        PartFailure? taken = failures;
        failures = null;
        return taken;
    }

    protected sealed override void Keep(PartFailure failure) => Stacked.Push(ref failures, failure);
}

/// <summary>A ticket of the pump. The pump checks it when the push of its item has returned. If the item has taken the ticket along, the
/// pump checks it repeatedly.</summary>
/// <remarks>So settling costs no fence. A barrier of the pump orders its sleep and a concurrent settlement.</remarks>
internal sealed class PumpTicket<T> : LocalTicket<T>
{
    public PumpTicket(LocalItems<T> owner) : base(owner)
    {
        TellsEnd = false;
        Close();
    }

    /// <summary>Whether the ticket has an ended item that is not counted yet.</summary>
    public bool HasEnded => IsSettled && Outcome != Outcome.Numbered;

    /// <summary>Frees the ticket, because the end of its item is counted.</summary>
    public void Forget() => Close();

    /// <summary>Whether the item has taken the ticket along, so that its end wakes the pump.</summary>
    public bool IsTakenAlong
    {
        set => TellsEnd = value;
    }

    protected override void OnSettled() => Owner.WakeForTicket();
}

/// <summary>A ticket for items that leave a boundary. It counts the end of its item, and serves one item after the other.</summary>
/// <remarks>If the item has neither ended nor entered a boundary when its push returns, it takes the ticket along. One atomic exchange
/// decides whether the former user or the settler returns the ticket.</remarks>
internal sealed class IslandTicket<T>(LocalItems<T> owner) : LocalTicket<T>(owner)
{
    private const int InUse = 0, Free = 1, TakenAlong = 2;

    private int state;

    /// <summary>Whether the former user may reuse the ticket. If not, it stays in use until its item ends.</summary>
    public bool TryReuse() => Volatile.Read(ref state) == Free || Interlocked.Exchange(ref state, TakenAlong) == Free;

    public override void Begin(LocalSegment<T> segment, int at)
    {
        state = InUse;
        base.Begin(segment, at);
    }

    /// <summary>Gives the ticket to its item, which takes it along.</summary>
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
