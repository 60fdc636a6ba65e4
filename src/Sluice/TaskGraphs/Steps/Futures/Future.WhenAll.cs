namespace Sluice;

public abstract partial class Future
{
    /// <summary>A future of the values of several, in their order. It fails with the first that fails, at once; the others go on.</summary>
    /// <param name="futures">None is null; none at all makes a future of an empty array.</param>
    /// <returns>To be awaited, or passed to a step that takes a collection.</returns>
    /// <exception cref="ArgumentException">One of them is null.</exception>
    public static Future<T[]> WhenAll<T>(params IEnumerable<Future<T>> futures)
    {
        ArgumentNullException.ThrowIfNull(futures);
        Future<T>[] all = [.. futures];
        CheckAll(all);
        return new ValuesFuture<T>(all);
    }

    /// <summary>A future that ends when several have ended. It fails with the first that fails, at once; the others go on.</summary>
    /// <param name="futures">None is null.</param>
    /// <returns>To be awaited, or waited for by other steps (<see cref="After"/>).</returns>
    /// <exception cref="ArgumentException">One of them is null.</exception>
    public static Future WhenAll(params IEnumerable<Future> futures)
    {
        ArgumentNullException.ThrowIfNull(futures);
        Future[] all = [.. futures];
        CheckAll(all);
        return new EndFuture(all, evenIfFailed: false);
    }

    /// <summary>A future of the values of a dictionary of futures, by the same keys: for a step that takes a dictionary. It fails with the first that fails, at once; the others go on.</summary>
    /// <param name="futures">None is null. Read here and now.</param>
    /// <exception cref="ArgumentException">One of them is null.</exception>
    public static Future<Dictionary<TKey, T>> WhenAll<TKey, T>(IReadOnlyDictionary<TKey, Future<T>> futures) where TKey : notnull
    {
        ArgumentNullException.ThrowIfNull(futures);
        TKey[] keys = [.. futures.Keys];
        Future<T>[] all = Array.ConvertAll(keys, key => futures[key]);
        CheckAll(all);
        return new EntriesFuture<TKey, T>(keys, all, (futures as Dictionary<TKey, Future<T>>)?.Comparer);
    }

    /// <summary>A future of the values of lists of futures: for a step that takes a list of arrays. It fails with the first that fails, at once; the others go on.</summary>
    /// <param name="futures">None is null. Read here and now.</param>
    /// <exception cref="ArgumentException">One of them is null.</exception>
    public static Future<T[][]> WhenAll<T>(IEnumerable<IEnumerable<Future<T>>> futures)
    {
        ArgumentNullException.ThrowIfNull(futures);
        return WhenAll(futures.Select(each => WhenAll(each)));
    }

    internal static void CheckAll(ReadOnlySpan<Future> futures)
    {
        for (int i = 0; i < futures.Length; i++)
            if (futures[i] is null) throw new ArgumentException($"The future number {i + 1} of {futures.Length} is null. Leave it out, or give a future.", nameof(futures));
    }
}
