namespace Sluice.Engine;

/// <summary>The last inlet of a chain of calls, which never has to wait: it can take the items of a one-to-many stage itself.</summary>
internal interface ITakesSequence<T>
{
    /// <summary>Takes items out of a sequence, one by one.</summary>
    /// <param name="items">The sequence.</param>
    /// <param name="most">The number of items after which to return.</param>
    /// <param name="ticket">The ticket of the item that the sequence was made of; each item gets a part of it.</param>
    /// <param name="stopped">Set by any thread when no more items are wanted.</param>
    /// <param name="count">Raised for each item.</param>
    /// <param name="inSequence">Whether an exception is one of the sequence. False before the call.</param>
    /// <returns>Whether the sequence has ended, or no more items are wanted.</returns>
    bool Take(IEnumerator<T> items, int most, Ticket? ticket, ref bool stopped, ref long count, ref bool inSequence);
}
