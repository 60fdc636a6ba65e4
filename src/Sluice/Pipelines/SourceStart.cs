using Sluice.Pipelines;
using Sluice.Policies;

namespace Sluice;

/// <summary>Makes sources.</summary>
public static partial class Source
{
    /// <summary>Makes a source of one item: <c>Source.Of(airports) | AllPairs</c>, where <c>AllPairs</c> takes the whole array.</summary>
    public static Source<T> Of<T>(T item) => new SingleSource<T>(item, StageOptions.Default);

    /// <summary>Makes a source of the items of a sequence. Every run enumerates the sequence once.</summary>
    public static Source<T> From<T>(IEnumerable<T> items)
    {
        ArgumentNullException.ThrowIfNull(items);
        return new PumpSource<T>((context, next) => new EnumerablePump<T>(context, next, items));
    }

    /// <summary>Makes a source of the items of an asynchronous sequence. Every run enumerates the sequence once, and cancels the
    /// enumerator's token when it needs no more items.</summary>
    public static Source<T> From<T>(IAsyncEnumerable<T> items)
    {
        ArgumentNullException.ThrowIfNull(items);
        return new PumpSource<T>((context, next) => new AsyncEnumerablePump<T>(context, next, items));
    }

    /// <summary>Makes a source of consecutive numbers.</summary>
    /// <param name="start">The first number.</param>
    /// <param name="count">The number of items, 0 or more.</param>
    /// <exception cref="ArgumentOutOfRangeException">The count is negative, or a number would exceed <c>long.MaxValue</c>.</exception>
    public static Source<long> Range(long start, long count)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(start, count > 0 ? long.MaxValue - (count - 1) : start);
        return new RangeSource(start, count, StageOptions.Default);
    }
}
