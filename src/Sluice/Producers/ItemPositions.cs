namespace Sluice.Producers;

/// <summary>The positions of the items of a source that have not ended, by number.</summary>
/// <remarks>Thread-safe, under <c>sync</c>. The source adds positions, with increasing numbers; the appender looks for them.</remarks>
internal sealed class ItemPositions<T>
{
    // A sweep takes a lock, and looks at each item that has ended only once.
    private const int ItemsPerSweep = 64;

    private readonly Lock sync = new();
    private (long Number, T Position)[] ring = new (long, T)[64];
    private int first;
    private int count;

    /// <summary>Adds a position, and forgets those of items that have ended.</summary>
    /// <param name="number">The number of the item.</param>
    /// <param name="position">Its position.</param>
    /// <param name="tickets">The tickets of the source, of which the item gets the next one; null if it has none.</param>
    public void Add(long number, T position, TicketRing? tickets) => Add(number, position,
        tickets is null ? number : number % ItemsPerSweep == 0 ? tickets.SweepOldest() : tickets.Oldest);

    private void Add(long number, T position, long oldest)
    {
        lock (sync)
        {
            while (count > 0 && ring[first].Number < oldest)
            {
                ring[first] = default;
                first = (first + 1) & (ring.Length - 1);
                count--;
            }
            if (count == ring.Length)
            {
                var larger = new (long, T)[2 * ring.Length];
                for (int i = 0; i < count; i++) larger[i] = At(i);
                (ring, first) = (larger, 0);
            }
            ring[(first + count++) & (ring.Length - 1)] = (number, position);
        }
    }

    /// <summary>Finds the position of an item. An item that was passed over has none.</summary>
    public bool TryFind(long number, [MaybeNullWhen(false)] out T position)
    {
        lock (sync)
        {
            int from = 0, end = count;
            while (from < end)
            {
                int middle = (from + end) / 2;
                if (At(middle).Number < number) from = middle + 1;
                else end = middle;
            }
            bool isThere = from < count && At(from).Number == number;
            position = isThere ? At(from).Position : default;
            return isThere;
        }
    }

    private ref (long Number, T Position) At(int index) => ref ring[(first + index) & (ring.Length - 1)];
}

internal static class ItemPositions
{
    /// <summary>Makes the exception for a mistake of the library: with another position, the next run would repeat items, or leave some
    /// out.</summary>
    public static InvalidOperationException Lost(string producer, long number) => new(
        $"The position of item {number + 1:N0} of this run of the producer '{producer}' is not known any more, so nothing further is "
            + "accepted. That is a mistake of Sluice: please report it.");
}
