namespace Sluice.Engine;

/// <summary>References to adjacent items of a ring or list: each has a ticket, or a number, or neither.</summary>
internal readonly ref struct ItemRefs
{
    private readonly Span<Ticket?> tickets;          // empty where none has a ticket
    private readonly Span<int> numbers;              // empty where none has a number
    private readonly int first;                      // instead of `numbers`, if they are consecutive: the first one
    private readonly NumberedItems? items;

    public ItemRefs(Span<Ticket?> tickets, Span<int> numbers, NumberedItems? items)
    {
        this.tickets = tickets;
        this.numbers = numbers;
        this.items = items;
    }

    public ItemRefs(NumberedItems items, int first) => (this.items, this.first) = (items, first);

    public bool IsEmpty => items is null && tickets.IsEmpty;

    public Ticket? TicketOf(int place)
    {
        if (!tickets.IsEmpty && tickets[place] is { } ticket) return ticket;
        int number = first != 0 ? first + place : numbers.IsEmpty ? 0 : numbers[place];
        return number == 0 ? null : items!.TicketOf(number);
    }

    /// <summary>Settles the first items as completed.</summary>
    public void Complete(int count)
    {
        if (!tickets.IsEmpty)
        {
            foreach (Ticket? ticket in tickets[..count]) ticket?.Settle(Outcome.Completed);
        }
        if (first != 0) items!.Complete(first, count);
        else if (!numbers.IsEmpty) items!.Complete(numbers[..count]);
    }

    /// <summary>Copies the references of the first items.</summary>
    public void CopyTo(FollowedPlaces places, int at, int count)
    {
        if (!tickets.IsEmpty) tickets[..count].CopyTo(places.Tickets.AsSpan(at));
        if (items is null) return;
        Span<int> there = places.Numbers(items).AsSpan(at, count);
        if (first == 0) numbers[..count].CopyTo(there);
        else for (int i = 0; i < there.Length; i++) there[i] = first + i;
    }

    /// <summary>Clears the references of the first items: they are tracked elsewhere now.</summary>
    public void Clear(int count)
    {
        if (!tickets.IsEmpty) tickets[..count].Clear();
        if (!numbers.IsEmpty) numbers[..count].Clear();
    }
}
