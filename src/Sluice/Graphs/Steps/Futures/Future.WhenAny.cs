namespace Sluice.Graphs;

public abstract partial class Future
{
    /// <summary>Makes a future that ends like the first of several to end: with its value, or its failure. The others go on.</summary>
    /// <remarks>Unobserved failures of the others are reported. To know which future was first, use <see cref="WhenEach{T}"/>.</remarks>
    /// <param name="futures">The futures, at least one; none is null.</param>
    /// <returns>A future to await, or to pass to a step.</returns>
    /// <exception cref="ArgumentException">One of them is null, or there are none.</exception>
    public static Future<T> WhenAny<T>(params IEnumerable<Future<T>> futures)
    {
        ArgumentNullException.ThrowIfNull(futures);
        Future<T>[] all = [.. futures];
        CheckAll(all);
        if (all.Length == 0) throw new ArgumentException("There is no future that could be the first to end. Give one at least.",
            nameof(futures));
        return new FirstFuture<T>(all);
    }

    /// <summary>
    /// Enumerates the futures in the order in which they end. Await each for its value or failure; failures that you do not await are
    /// reported.
    /// </summary>
    /// <param name="futures">The futures; none is null.</param>
    /// <param name="cancellation">Stops waiting; the futures go on.</param>
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
        bool staysInContext = StepScope.Current is { Scheduler.IsSerial: true };
        var order = new EndedInOrder<T>(all);
        try
        {
            foreach (Future<Future<T>> next in order.Places)
            {
                if (!next.IsCompleted && cancellation.CanBeCanceled)
                    await EndAsync(next, staysInContext, cancellation).ConfigureAwait(staysInContext);
                yield return await next.ConfigureAwait(staysInContext);
            }
        }
        finally
        {
            order.Leave();                           // the loop may end before the futures
        }
    }

    /// <summary>Waits for the end of a future. A body that waits lends its permits, and has them again afterwards.</summary>
    private static async Task EndAsync(Future future, bool staysInContext, CancellationToken cancellation)
    {
        var end = new EndFuture([future], evenIfFailed: true);
        CancellationTokenRegistration gone = cancellation.UnsafeRegister(static end => ((Future)end!).Cancel(), end);
        try
        {
            await end.ConfigureAwait(staysInContext);
        }
        catch (OperationCanceledException)
        {
            throw new OperationCanceledException(cancellation);
        }
        finally
        {
            gone.Unregister();
        }
    }
}
