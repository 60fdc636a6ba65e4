using System.Diagnostics.CodeAnalysis;

namespace Sluice;

/// <summary>At most so many calls of a function at a time, wherever it is called.</summary>
/// <remarks>Thread-safe. Whoever has entered holds a place until the call has ended, also if nobody waits for that any more.</remarks>
[SuppressMessage("Reliability", "CA1001:Types that own disposable fields should be disposable", Justification = "Lives as long as its graphs; nobody asks the semaphore for a wait handle, so there is nothing to dispose of.")]
internal sealed class CallPlaces
{
    private readonly SemaphoreSlim free;

    /// <param name="count">How many.</param>
    /// <exception cref="ArgumentOutOfRangeException">Less than 1.</exception>
    public CallPlaces(int count)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1, "concurrency");
        (Count, free) = (count, new(count));
    }

    public int Count { get; }

    public ValueTask EnterAsync(CancellationToken cancellation) => new(free.WaitAsync(cancellation));

    /// <summary>Makes a call that has its place, and then gives that back.</summary>
    public async ValueTask<T> HoldAsync<T>(NodeBody<T> body, Context context, int[] parents, CancellationToken cancellation)
    {
        try
        {
            return await body(context, parents, cancellation).ConfigureAwait(false);
        }
        finally
        {
            free.Release();
        }
    }
}
