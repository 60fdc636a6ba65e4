using System.Collections.Concurrent;
using System.Collections.Frozen;
using System.Collections.Immutable;

namespace Sluice.Graphs;

public abstract partial class Future
{
    /// <summary>
    /// Makes a future of the values of several futures, in order. It fails at once with the first failure; the others go on.
    /// </summary>
    /// <param name="futures">The futures; none is null. Without futures, the value is an empty array.</param>
    /// <returns>A future to await, or to pass to a step that takes a collection.</returns>
    /// <exception cref="ArgumentException">One of them is null.</exception>
    public static Future<T[]> WhenAll<T>(params IEnumerable<Future<T>> futures)
    {
        ArgumentNullException.ThrowIfNull(futures);
        Future<T>[] all = [.. futures];
        CheckAll(all);
        return new ValuesFuture<T>(all);
    }

    /// <summary>Makes a future that ends when several have ended. It fails at once with the first failure; the others go on.</summary>
    /// <param name="futures">The futures; none is null.</param>
    /// <returns>A future to await, or for other steps to wait for (<see cref="After"/>).</returns>
    /// <exception cref="ArgumentException">One of them is null.</exception>
    public static Future WhenAll(params IEnumerable<Future> futures)
    {
        ArgumentNullException.ThrowIfNull(futures);
        Future[] all = [.. futures];
        CheckAll(all);
        return new EndFuture(all, evenIfFailed: false);
    }

    /// <summary>
    /// Makes a future of a dictionary, with the values of these futures by the same keys. It fails at once with the first failure; the
    /// others go on.
    /// </summary>
    /// <param name="futures">The futures; none is null. Read immediately.</param>
    /// <exception cref="ArgumentException">A future is null. Or two keys are equal for the comparer of the result, which is that of
    /// <paramref name="futures"/> if they are a hash table of .NET, else the default one.</exception>
    public static Future<Dictionary<TKey, T>> WhenAll<TKey, T>(IReadOnlyDictionary<TKey, Future<T>> futures) where TKey : notnull
    {
        ArgumentNullException.ThrowIfNull(futures);
        TKey[] keys = [.. futures.Keys];
        Future<T>[] all = Array.ConvertAll(keys, key => futures[key]);
        CheckAll(all);
        return new EntriesFuture<TKey, T>(keys, all, futures switch
        {
            Dictionary<TKey, Future<T>> plain => plain.Comparer,
            ConcurrentDictionary<TKey, Future<T>> concurrent => concurrent.Comparer,
            FrozenDictionary<TKey, Future<T>> frozen => frozen.Comparer,
            ImmutableDictionary<TKey, Future<T>> immutable => immutable.KeyComparer,
            _ => null,
        });
    }

    /// <summary>
    /// Makes a future of arrays, with the values of these lists of futures. It fails at once with the first failure; the others go on.
    /// </summary>
    /// <param name="futures">The futures; none is null. Read immediately.</param>
    /// <exception cref="ArgumentException">One of them is null.</exception>
    public static Future<T[][]> WhenAll<T>(IEnumerable<IEnumerable<Future<T>>> futures)
    {
        ArgumentNullException.ThrowIfNull(futures);
        return WhenAll(futures.Select(each => WhenAll(each)));
    }

    internal static void CheckAll(ReadOnlySpan<Future> futures)
    {
        for (int i = 0; i < futures.Length; i++)
            if (futures[i] is null) throw new ArgumentException(
                $"The future number {i + 1} of {futures.Length} is null. Leave it out, or give a future.", nameof(futures));
    }
}
