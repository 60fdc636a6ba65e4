namespace Sluice.Engine;

/// <summary>The tickets or numbers of the items in the places of a ring.</summary>
/// <remarks>
/// A place belongs to the producer or the consumer, like the item in it. A place without an item has neither ticket nor number.
/// </remarks>
internal sealed class FollowedPlaces(int length)
{
    private Ticket?[]? tickets;
    private int[]? numbers;
    private NumberedItems? items;

    public Ticket?[] Tickets => tickets ??= new Ticket?[length];

    public ItemRefs Of(int at, int count) => new(tickets is null ? default : tickets.AsSpan(at, count), numbers is null ? default
        : numbers.AsSpan(at, count), items);

    public void Add(int place, Ticket ticket)
    {
        int number = ticket.Leave(out NumberedItems? known);
        if (number != 0) Numbers(known!)[place] = number;
        else Tickets[place] = ticket;
    }

    public int[] Numbers(NumberedItems known)
    {
        items = known;
        return numbers ??= new int[length];
    }

    public Ticket? Take(int place, ref Ticket? own)
    {
        if (tickets is not null && tickets[place] is { } ticket)
        {
            tickets[place] = null;
            return ticket;
        }
        if (numbers is null || numbers[place] == 0) return null;
        int number = numbers[place];
        numbers[place] = 0;
        return items!.TicketOf(number, ref own);
    }
}
