namespace Sluice;

/// <summary>
/// Root items that are followed by their numbers, so far as they take the ordinary way: in a boundary a number costs less than a ticket each. One
/// that leaves that way has a ticket from there on.
/// </summary>
/// <remarks>Thread-safe. Numbers are above zero.</remarks>
internal abstract class NumberedItems
{
    /// <summary>A ticket for an item that comes out of a boundary.</summary>
    /// <param name="number">The item.</param>
    /// <param name="own">A ticket of the caller's, which is used again if it is free; else the caller has another one afterwards.</param>
    public abstract Ticket TicketOf(int number, ref Ticket? own);

    /// <summary>The items have completed; zeros are left out.</summary>
    public abstract void Complete(ReadOnlySpan<int> numbers);
}

/// <summary>Who some neighbours in a ring are: each has a ticket, or a number, or neither.</summary>
internal readonly ref struct Followed(Span<Ticket?> tickets, Span<int> numbers, NumberedItems? items)
{
    /// <summary>Empty where none has a ticket.</summary>
    public Span<Ticket?> Tickets { get; } = tickets;

    /// <summary>Empty where none has a number.</summary>
    public Span<int> Numbers { get; } = numbers;

    public bool IsEmpty => Tickets.IsEmpty && Numbers.IsEmpty;

    public Ticket? TicketOf(int place)
    {
        if (!Tickets.IsEmpty && Tickets[place] is { } ticket) return ticket;
        if (Numbers.IsEmpty || Numbers[place] == 0) return null;
        Ticket? none = null;
        return items!.TicketOf(Numbers[place], ref none);
    }

    /// <summary>The first ones have completed.</summary>
    public void Complete(int count)
    {
        if (!Tickets.IsEmpty)
        {
            foreach (Ticket? ticket in Tickets[..count]) ticket?.Settle(Outcome.Completed);
        }
        if (!Numbers.IsEmpty) items!.Complete(Numbers[..count]);
    }

    /// <summary>The first ones are followed elsewhere now.</summary>
    public void Clear(int count)
    {
        if (!Tickets.IsEmpty) Tickets[..count].Clear();
        if (!Numbers.IsEmpty) Numbers[..count].Clear();
    }

    public NumberedItems? Items => items;
}
