namespace Sluice;

/// <summary>The ticket of an item that is in no store, while it is on its way between boundaries, or out of the ordinary.</summary>
/// <remarks>
/// Whoever has it uses it for one item after the other, if each has ended, or is in a boundary, when its push returns. An item that has not takes the
/// ticket along: who had it and who settles it agree by one exchange on who lets it go.
/// </remarks>
internal sealed class LocalTicket<T>(LocalItems<T> owner) : Ticket(isFollowed: true)
{
    private const int InUse = 0, Free = 1, TakenAlong = 2;

    private LocalSegment<T> segment = null!;
    private int index;
    private int state;
    private int pushingThread;                       // while the pump pushes: what ends on this thread the pump counts
    private int completed;
    private PartFailure? failures;

    public T Item => segment.Items[index];

    public PartFailure? Failures => failures;

    public override string Id => owner.IdOf(segment.First + index);

    /// <summary>Whether its item has ended, or is in a boundary: for whoever had the ticket.</summary>
    public bool IsFree => Volatile.Read(ref state) == Free;

    /// <summary>For whoever had it: whether it is his again. If not, it is nobody's until its item ends.</summary>
    public bool TryReuse() => IsFree || Interlocked.Exchange(ref state, TakenAlong) == Free;

    /// <summary>For one push after the other on this thread; ends with <see cref="EndPushing"/>.</summary>
    public void BeginPushing() => pushingThread = Environment.CurrentManagedThreadId;

    /// <returns>How many items have completed.</returns>
    public int EndPushing()
    {
        pushingThread = 0;
        int count = completed;
        completed = 0;
        return count;
    }

    public void Begin(LocalSegment<T> of, int at)
    {
        if (segment != of) segment = of;
        index = at;
        state = InUse;
        Open(of.First + at);
    }

    public override int Leave(out NumberedItems? items)
    {
        items = owner;
        if (!IsPlain || failures is not null) return 0;
        int number = segment.NumberOf(index);
        LetGo();
        return number;
    }

    /// <summary>What is known of its failures goes with the item.</summary>
    public PartFailure? TakeFailures() => Interlocked.Exchange(ref failures, null);

    protected override void Keep(PartFailure failure)
    {
        PartFailure? seen = Volatile.Read(ref failures);
        while (true)
        {
            failure.Next = seen;
            PartFailure? found = Interlocked.CompareExchange(ref failures, failure, seen);
            if (ReferenceEquals(found, seen)) return;
            seen = found;
        }
    }

    protected override void OnSettled()
    {
        if (Outcome == Outcome.Completed && pushingThread == Environment.CurrentManagedThreadId) completed++;
        else owner.End(segment, this);
        LetGo();
    }

    private void LetGo()
    {
        if (pushingThread == Environment.CurrentManagedThreadId) Volatile.Write(ref state, Free);
        else if (Interlocked.Exchange(ref state, Free) == TakenAlong) owner.Return(this);
    }
}
