namespace Sluice;

public static partial class Source
{
    /// <summary>
    /// A source that goes on where it was: in front of a consecutor, the position behind an item is stored in the append that accepts the item, and is
    /// given back at the next start. So every item is accepted exactly once, however often the process dies. Elsewhere it begins at the beginning.
    /// </summary>
    /// <remarks>
    /// Stages between it and the consecutor must be deterministic, keep the order, and hold nothing: one that makes several items of one is
    /// continued in the middle, by counting. It must be the only source of its pipeline.
    /// </remarks>
    /// <param name="name">Its name; its position is found again by it. One run at a time has it: a later one takes it over.</param>
    /// <param name="produce">Makes the items behind a position; an empty one means from the beginning.</param>
    public static Source<T> Resumable<T>(string name, Func<ReadOnlyMemory<byte>, CancellationToken, IAsyncEnumerable<Positioned<T>>> produce)
        => throw new NotImplementedException();

    /// <summary>A sequence that is the same, from its beginning, at every start: what was accepted before is skipped by counting.</summary>
    /// <inheritdoc cref="Resumable{T}(string, Func{ReadOnlyMemory{byte}, CancellationToken, IAsyncEnumerable{Positioned{T}}})"/>
    /// <param name="name">Its name; its position is found again by it.</param>
    /// <param name="items">The sequence.</param>
    public static Source<T> Resumable<T>(string name, IEnumerable<T> items) => throw new NotImplementedException();
}
