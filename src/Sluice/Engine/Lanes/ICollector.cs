namespace Sluice;

/// <summary>The outlet of a lane: what is pushed rests there until the lane is done with its chunk. So it can be filled by the stretch.</summary>
internal interface ICollector<T>
{
    /// <summary>Whether things rest there now: not while the lanes come to their end.</summary>
    bool Collects { get; }

    /// <summary>Room for so many items, to be written in order.</summary>
    Span<T> Reserve(int count);

    /// <summary>So many have been written, all of them of one ticket.</summary>
    void Added(int count, Ticket? ticket);

    /// <summary>To be awaited before the next item. Completed synchronously unless more is held than may be.</summary>
    ValueTask RoomAsync();
}

/// <summary>An inlet that can take a stretch of items at once: where nobody sees the difference, because it is in front of a collector.</summary>
internal interface ITakesStretch<T>
{
    /// <summary>Whether it can, now.</summary>
    bool TakesStretches { get; }

    /// <summary>Takes the items, all of them of one ticket.</summary>
    /// <param name="items">The items.</param>
    /// <param name="ticket">Their ticket.</param>
    /// <param name="taken">How many have been taken in; not all if one failed.</param>
    ValueTask PushAsync(ReadOnlySpan<T> items, Ticket? ticket, ref int taken);
}
