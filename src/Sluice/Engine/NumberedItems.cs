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

    /// <summary>A ticket for one that leaves the ordinary way.</summary>
    public abstract Ticket TicketOf(int number);

    /// <summary>The items have completed; zeros are left out.</summary>
    public abstract void Complete(ReadOnlySpan<int> numbers);

    /// <summary>Items with consecutive numbers have completed.</summary>
    public abstract void Complete(int first, int count);
}

/// <summary>An inlet that may take several items at once.</summary>
internal interface ITakesFollowed<T>
{
    /// <summary>Whether it does so in this run.</summary>
    bool TakesFollowed { get; }

    /// <summary>Takes items until one has to wait, or fails.</summary>
    /// <param name="items">One or more.</param>
    /// <param name="followed">Who they are.</param>
    /// <param name="taken">How many were taken is added to it; also where one has failed, which is the last of them.</param>
    ValueTask PushAsync(ReadOnlySpan<T> items, in ItemRefs followed, ref int taken);
}
