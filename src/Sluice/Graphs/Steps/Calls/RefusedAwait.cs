namespace Sluice.Graphs;

/// <summary>An await that would close a circle of bodies. It continues at once, and its awaiter throws.</summary>
/// <remarks>
/// The awaiter must not search for the circle again: if two bodies find it at the same time, neither waits when it searches again, so
/// neither would find it, and both would block. Locking rule: none. The awaiter asks first of all, on the thread that continues.
/// </remarks>
internal sealed class RefusedAwait
{
    [ThreadStatic]
    private static RefusedAwait? current;

    private readonly Future future;
    private readonly string circle;
    private readonly Action continuation;

    private RefusedAwait(Future future, string circle, Action continuation)
        => (this.future, this.circle, this.continuation) = (future, circle, continuation);

    /// <param name="future">The future of the await.</param>
    /// <param name="circle">The circle; null if there is none.</param>
    /// <param name="continuation">The continuation of the await.</param>
    public static Action Around(Future future, string? circle, Action continuation)
        => circle is null ? continuation : new RefusedAwait(future, circle, continuation).GoOn;

    /// <exception cref="InvalidOperationException">The await of this future was refused, because it would have closed a circle.</exception>
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
