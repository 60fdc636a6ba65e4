namespace Sluice;

/// <summary>Fills segments of a consecutor without a store. An item is accepted, and its root ends, when its segment is handed over.</summary>
internal sealed class LocalAcceptStage<T>(StageContext context, Inlet<Nothing> next, LocalIntake<T> intake) : Stage<T, Nothing>(context, next)
{
    private readonly List<Ticket> tickets = [];
    private LocalSegment<T> filling = intake.Rent();
    private int isFilling;                           // 1: a push, or a flush that overlaps with it, has the segment in hand

    public override ValueTask PushAsync(T item, Ticket? ticket)
    {
        Context.In++;
        Enter();
        LocalSegment<T> segment = filling;
        segment.Add(item);
        if (ticket is not null) tickets.Add(ticket);
        Task? full = segment.IsFull || intake.IsHungry ? Publish() : null;
        Volatile.Write(ref isFilling, 0);
        return full is null ? default : new ValueTask(full.WaitAsync(Context.Token));
    }

    public override void Flush()
    {
        Enter();
        Publish();
        Volatile.Write(ref isFilling, 0);
    }

    protected override ValueTask OnCompleteAsync()
    {
        Flush();
        return Next.CompleteAsync();
    }

    private void Enter()
    {
        if (Interlocked.CompareExchange(ref isFilling, 1, 0) == 0) return;
        var spin = default(SpinWait);
        while (Interlocked.CompareExchange(ref isFilling, 1, 0) != 0) spin.SpinOnce();
    }

    private Task? Publish()
    {
        LocalSegment<T> segment = filling;
        if (segment.Count == 0) return null;
        Context.Out += segment.Count;
        Task? full = intake.Publish(segment);
        foreach (Ticket ticket in tickets) ticket.Settle(Outcome.Completed);
        tickets.Clear();
        filling = intake.Rent();
        return full;
    }
}
