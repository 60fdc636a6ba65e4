using System.Runtime.CompilerServices;

namespace Sluice;

public abstract partial class Future
{
    /// <summary>
    /// A future that ends as the first of several does: with its value, or its failure. The others go on; a failure of theirs is theirs, and reported unless somebody sees it. To know which was
    /// first, use <see cref="WhenEach{T}"/>.
    /// </summary>
    /// <param name="futures">One at least; none is null.</param>
    /// <returns>To be awaited, or passed to a step.</returns>
    /// <exception cref="ArgumentException">One of them is null, or there are none.</exception>
    public static Future<T> WhenAny<T>(params IEnumerable<Future<T>> futures)
    {
        ArgumentNullException.ThrowIfNull(futures);
        Future<T>[] all = [.. futures];
        CheckAll(all);
        if (all.Length == 0) throw new ArgumentException("There is no future that could be the first to end. Give one at least.", nameof(futures));
        return new FirstFuture<T>(all);
    }

    /// <summary>The futures in the order in which they end, each when it has. Await each to have its value, or its failure; of those that nobody awaits a failure is reported.</summary>
    /// <param name="futures">None is null.</param>
    /// <param name="cancellation">Ends the wait, and nothing else.</param>
    /// <exception cref="ArgumentException">One of them is null.</exception>
    public static IAsyncEnumerable<Future<T>> WhenEach<T>(IEnumerable<Future<T>> futures, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(futures);
        Future<T>[] all = [.. futures];
        CheckAll(all);
        return EachAsync(all, cancellation);
    }

    private static async IAsyncEnumerable<Future<T>> EachAsync<T>(Future<T>[] all, [EnumeratorCancellation] CancellationToken cancellation)
    {
        var order = new EndedInOrder<T>(all);
        try
        {
            foreach (Future<Future<T>> next in order.Places)
            {
                if (!next.IsCompleted && cancellation.CanBeCanceled) await next.AsTask().WaitAsync(cancellation).ConfigureAwait(false);
                yield return await next.ConfigureAwait(false);
            }
        }
        finally
        {
            order.Leave();                           // the loop may end before the futures do
        }
    }
}
