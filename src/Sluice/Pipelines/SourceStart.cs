namespace Sluice;

/// <summary>Makes sources.</summary>
public static partial class Source
{
    /// <summary>A source of one item: <c>Source.Of(airports) | AllPairs</c> where <c>AllPairs</c> takes the whole array.</summary>
    public static Source<T> Of<T>(T item) => new SingleSource<T>(item, StageOptions.Default);

    /// <summary>The items of a sequence. Every run enumerates it once.</summary>
    public static Source<T> From<T>(IEnumerable<T> items)
    {
        ArgumentNullException.ThrowIfNull(items);
        return new EnumerableSource<T>(items, StageOptions.Default);
    }

    /// <summary>The items of an asynchronous sequence. Every run enumerates it once; its token is cancelled when no more is wanted.</summary>
    public static Source<T> From<T>(IAsyncEnumerable<T> items)
    {
        ArgumentNullException.ThrowIfNull(items);
        return new AsyncEnumerableSource<T>(items, StageOptions.Default);
    }

    /// <summary>Consecutive numbers.</summary>
    /// <param name="start">The first.</param>
    /// <param name="count">How many: 0 or more.</param>
    /// <exception cref="ArgumentOutOfRangeException">A negative count, or numbers beyond those of a long.</exception>
    public static Source<long> Range(long start, long count)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(start, long.MaxValue - count);
        return new RangeSource(start, count, StageOptions.Default);
    }
}
