namespace Sluice.Engine;

/// <summary>Tracks root items by number until one needs a ticket: in a ring, a number costs less than a ticket.</summary>
/// <remarks>Thread-safe. Numbers are positive.</remarks>
internal abstract class NumberedItems
{
    /// <summary>The ticket of an item that leaves a boundary.</summary>
    /// <param name="number">The item's number.</param>
    /// <param name="own">The caller's ticket: reused if it is free, otherwise replaced by a new one.</param>
    public abstract Ticket TicketOf(int number, ref Ticket? own);

    /// <summary>The ticket of an item that a number can no longer represent.</summary>
    public abstract Ticket TicketOf(int number);

    /// <summary>Completes items by their numbers; zeros are skipped.</summary>
    public abstract void Complete(ReadOnlySpan<int> numbers);

    /// <summary>Completes items with consecutive numbers.</summary>
    public abstract void Complete(int first, int count);
}

/// <summary>An inlet that can take several items in one call.</summary>
internal interface ITakesFollowed<T>
{
    /// <summary>Whether it takes several items at once in this run.</summary>
    bool TakesFollowed { get; }

    /// <summary>Takes items until one has to wait or fails.</summary>
    /// <param name="items">At least one item.</param>
    /// <param name="followed">The references of the items.</param>
    /// <param name="taken">Increased by the number of items taken, including the one that failed.</param>
    ValueTask PushAsync(ReadOnlySpan<T> items, in ItemRefs followed, ref int taken);
}
