namespace Sluice.Engine;

/// <summary>The outputs of a lane that have not been pushed on yet: items, and their tickets if there are any.</summary>
/// <remarks>Belongs to the holder of the slice; the output of the stage may read outputs that it knows of. Reused.</remarks>
internal sealed class Outbox<T>
{
    private T[] items = new T[4];
    private Ticket?[] tickets = [];                  // as long as `items` once there is a ticket
    private long passed;                             // those before the first one that is here

    public int Count { get; private set; }

    /// <summary>The number of outputs since the last <see cref="Clear"/>, with those that were passed on.</summary>
    public long Total => passed + Count;

    public void Add(T item, Ticket? ticket)
    {
        int at = Count;
        if (at == items.Length) Array.Resize(ref items, at * 2);
        items[at] = item;
        Count = at + 1;
        if (ticket is not null) SetTickets(at, ticket);
    }

    /// <param name="at">The place among all, up to <see cref="Total"/>.</param>
    public T this[long at] => items[at - passed];

    public Ticket? TicketOf(long at) => at - passed < tickets.Length ? tickets[at - passed] : null;

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

    /// <summary>Removes the outputs, which were passed on. Later ones count on.</summary>
    public void Pass()
    {
        passed += Count;
        Empty();
    }

    public void Clear()
    {
        passed = 0;
        Empty();
    }

    private void Empty()
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
