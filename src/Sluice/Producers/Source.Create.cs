using Sluice.Policies;
using Sluice.Producers;

namespace Sluice;

public static partial class Source
{
    /// <summary>
    /// A source that runs a function, which pushes the items: <c>Source.Create&lt;int&gt;(async (push, cancellation) => { await push(1);
    /// })</c>.
    /// </summary>
    /// <remarks>
    /// The source fails with the function. It ends when the function has returned and its pushes have ended; a warning names a source
    /// that has to wait for pushes which were not awaited. Every run calls the function once. When an awaited push has returned, the item
    /// is accepted; pushes may come from several threads. The token is cancelled when no more items are wanted; a push then throws an
    /// <see cref="OperationCanceledException"/>, and its item is not accepted. A push after the function has returned, such as one from the
    /// handler of an event, throws an <see cref="InvalidOperationException"/>, and a warning says so once: let the function wait until
    /// nothing more is to be pushed.
    /// </remarks>
    /// <param name="producer">The function. Await every push: that is the backpressure.</param>
    /// <param name="capacity">The number of pushed items that may wait to be taken: 1 or more; the run's
    /// <see cref="RunOptions.MaxBufferedItems"/> unless given.</param>
    /// <exception cref="ArgumentOutOfRangeException">The capacity is below 1.</exception>
    public static Source<T> Create<T>(Func<Func<T, ValueTask>, CancellationToken, Task> producer, int? capacity = null)
    {
        ArgumentNullException.ThrowIfNull(producer);
        if (capacity is { } given) ArgumentOutOfRangeException.ThrowIfLessThan(given, 1, nameof(capacity));
        return new PushedSource<T>(producer, capacity, StageOptions.Default);
    }
}
