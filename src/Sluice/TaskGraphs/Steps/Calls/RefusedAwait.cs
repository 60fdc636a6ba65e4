namespace Sluice;

/// <summary>An await that would have closed a circle of bodies: it goes on at once, and its awaiter throws.</summary>
/// <remarks>
/// The awaiter does not look for the circle again: of two bodies that find it at one time, neither waits any more when it looks, so neither would find it, and both would block.
/// Locking rule: none. The awaiter asks on the thread that goes on, first of all.
/// </remarks>
internal sealed class RefusedAwait
{
    [ThreadStatic]
    private static RefusedAwait? current;

    private readonly Future future;
    private readonly string circle;
    private readonly Action continuation;

    private RefusedAwait(Future future, string circle, Action continuation) => (this.future, this.circle, this.continuation) = (future, circle, continuation);

    /// <param name="future">What would have been awaited.</param>
    /// <param name="circle">Who waits for whom; null if there is no circle.</param>
    /// <param name="continuation">What comes behind the await.</param>
    public static Action Around(Future future, string? circle, Action continuation)
        => circle is null ? continuation : new RefusedAwait(future, circle, continuation).GoOn;

    /// <exception cref="InvalidOperationException">The future was not awaited, because that would have closed a circle.</exception>
    public static void ThrowIfOf(Future future)
    {
        if (current is not { } refused || !ReferenceEquals(refused.future, future)) return;
        current = null;
        throw new InvalidOperationException(refused.circle);
    }

    private void GoOn()
    {
        RefusedAwait? around = current;
        current = this;
        try
        {
            continuation();
        }
        finally
        {
            current = around;
        }
    }
}
