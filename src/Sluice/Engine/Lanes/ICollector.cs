namespace Sluice.Engine;

/// <summary>The outlet of a lane: it collects outputs until the lane has finished its slice. So it can take several at once.</summary>
internal interface ICollector<T>
{
    /// <summary>Whether it collects now; false while the lanes complete.</summary>
    bool Collects { get; }

    /// <summary>Room for <paramref name="count"/> items, to be written in order.</summary>
    Span<T> Reserve(int count);

    /// <summary>Adds the items that were written; all belong to one ticket.</summary>
    void Added(int count, Ticket? ticket);

    /// <summary>Waits for room; await it before the next item. Completes synchronously unless too many outputs are held.</summary>
    ValueTask RoomAsync();
}

/// <summary>An inlet that can take several items of one root at once, because a collector behind it hides the difference.</summary>
internal interface ITakesStretch<T>
{
    /// <summary>Whether it can take several items at once now.</summary>
    bool TakesStretches { get; }

    /// <summary>Takes several items of one ticket.</summary>
    /// <param name="items">The items.</param>
    /// <param name="ticket">Their ticket.</param>
    /// <param name="taken">The number of items taken; fewer than all if one failed.</param>
    ValueTask PushAsync(ReadOnlySpan<T> items, Ticket? ticket, ref int taken);
}
