namespace Sluice.Engine;

/// <summary>The outputs of a lane that have not been pushed on yet: items, and their tickets if there are any.</summary>
/// <remarks>Belongs to the holder of the slice; the output of the stage may read outputs that it knows of. Reused.</remarks>
internal sealed class Outbox<T>
{
    private T[] items = new T[4];
    private Ticket?[] tickets = [];                  // as long as `items` once there is a ticket

    public int Count { get; private set; }

    public void Add(T item, Ticket? ticket)
    {
        int at = Count;
        if (at == items.Length) Array.Resize(ref items, at * 2);
        items[at] = item;
        Count = at + 1;
        if (ticket is not null) SetTickets(at, ticket);
    }

    public T this[int at] => items[at];

    public Ticket? TicketOf(int at) => at < tickets.Length ? tickets[at] : null;

    /// <summary>Room for more items, to be written in order; <see cref="Added"/> adds them.</summary>
    public Span<T> Reserve(int count)
    {
        if (Count + count > items.Length) Array.Resize(ref items, Math.Max(items.Length * 2, Count + count));
        return items.AsSpan(Count, count);
    }

    /// <summary>Adds the items that were written; all belong to one ticket.</summary>
    public void Added(int count, Ticket? ticket)
    {
        int from = Count;
        Count += count;
        if (ticket is not null) SetTickets(from, ticket);
    }

    public void Clear()
    {
        if (RuntimeHelpers.IsReferenceOrContainsReferences<T>()) Array.Clear(items, 0, Count);
        Array.Clear(tickets, 0, Math.Min(Count, tickets.Length));
        Count = 0;
    }

    private void SetTickets(int from, Ticket ticket)
    {
        if (tickets.Length < items.Length) Array.Resize(ref tickets, items.Length);
        tickets.AsSpan(from, Count - from).Fill(ticket);
    }
}
